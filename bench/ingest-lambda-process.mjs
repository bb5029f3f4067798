/** Run by ingest-lambda.ts in a process of its own: hands the bundle one event, prints time and peak memory as one line of JSON. */
const { handler } = await import(process.argv[2]);
const event = { Records: [{ s3: { object: { key: "uploads/ratings.csv" } } }] };
const beginMs = performance.now();
await handler(event, { awsRequestId: "bench", functionName: "ingest", getRemainingTimeInMillis: () => 900_000 });
const seconds = (performance.now() - beginMs) / 1000;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: 1024 * maxRSS }));
