// Starts ranking-worker.ts in a worker thread. Node runs TypeScript by itself from 22.18 on; before that, and for that of an
// installed package, tsx must be registered in the thread, since `--import tsx` in a worker's execArgv has no effect on Node 20.
if (!process.features.typescript || import.meta.url.includes("/node_modules/")) {
  const { register } = await import("tsx/esm/api");
  register();
}
await import("./ranking-worker.ts");
