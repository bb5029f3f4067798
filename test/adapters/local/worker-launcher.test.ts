import { MemoryWorkerLauncher } from "../../../src/adapters/local/memory-worker-launcher.ts";
import { testWorkerLauncher } from "../../conformance/worker-launcher.ts";

testWorkerLauncher(
  "memory",
  async () => {
    let refusals: ("shortage" | "quota")[] = [];
    const launcher = new MemoryWorkerLauncher({ refusal: () => refusals.shift() ?? null });
    return {
      launcher,
      second: launcher,
      stranger: new MemoryWorkerLauncher(),
      end: async (instanceId) => launcher.end(instanceId),
      refuse: (next) => {
        refusals = [...next];
      },
    };
  },
  { racesOfOneLaunch: "one" },
);
