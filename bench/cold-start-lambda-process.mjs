/** Run by cold-start-lambda.ts in a process of its own: loads the bundle, asks twice, prints the times as one line of JSON. */
const event = (path) => ({
  version: "2.0",
  rawPath: path,
  rawQueryString: "k=10",
  headers: {},
  requestContext: { requestId: "bench", http: { method: "GET" } },
  isBase64Encoded: false,
});
const context = { awsRequestId: "bench", functionName: "score", getRemainingTimeInMillis: () => 20_000 };

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const beginMs = performance.now();
const beginCpuMs = cpuMs();
const { handler } = await import(process.argv[2]);
const loadedMs = performance.now();
const first = await handler(event("/users/4711/recommendations"), context);
const answeredMs = performance.now();
const startCpuMs = cpuMs() - beginCpuMs;
const next = await handler(event("/users/1234/recommendations"), context);
const endMs = performance.now();
for (const { statusCode, body } of [first, next]) {
  const answer = JSON.parse(body);
  if (statusCode !== 200 || answer.basis !== "model" || answer.items.length !== 10)
    throw new Error(`expected recommendations, found ${body}`);
}
console.log(
  JSON.stringify({
    loadMs: loadedMs - beginMs,
    firstMs: answeredMs - loadedMs,
    nextMs: endMs - answeredMs,
    startCpuMs,
  }),
);
