#!/usr/bin/env node
// Plain JavaScript that any Node parses, so that one that is too old gets a sentence instead of a stack trace.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ncf needs Node 20.19 or newer, found ${process.versions.node}. Get a current one from nodejs.org.`);
  process.exit(1);
}
// Node 22.18 and newer run TypeScript as it is, but not that of an installed package; where it does not, it gets a loader.
if (!process.features.typescript || import.meta.url.includes("/node_modules/")) {
  const { register } = await import("tsx/esm/api");
  register();
}
const { main } = await import("../src/cli/main.ts");
process.exitCode = await main(process.argv);
// A connection that a library has left behind, to a broker that died, say, does not hold a finished command up.
setTimeout(() => process.exit(), 2_000).unref();
