/**
 * Loaded into a processor before its program (`node --import`): its object stores are as the file `NCF_CHAOS_STORE` says, "well",
 * "slow SECONDS" (each call 0.2 s, every tenth so long) or "refuses" (as S3 does with 503). Brokers that do not answer are asked for
 * `NCF_CHAOS_RETRY_MS` rather than half a minute.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

if (!process.features.typescript) (await import("tsx/esm/api")).register();
const { FileObjectStore } = await import("../../src/adapters/local/file-object-store.ts");
const { KafkaInteractionLog } = await import("../../src/adapters/kafka/kafka-interaction-log.ts");
const { NcfError } = await import("../../src/core/errors.ts");

const open = KafkaInteractionLog.open;
const retryMs = Number(process.env.NCF_CHAOS_RETRY_MS);
KafkaInteractionLog.open = (options) => open.call(KafkaInteractionLog, { retryMs, ...options });

let calls = 0;

for (const name of ["put", "putIfAbsent", "putIfMatch", "get", "getRange", "head", "list", "delete"]) {
  const method = FileObjectStore.prototype[name];
  FileObjectStore.prototype[name] = async function (...args) {
    const [state, seconds] = readFileSync(process.env.NCF_CHAOS_STORE, "utf8").split(" ");
    if (state === "slow") await sleep(++calls % 10 === 0 ? 1_000 * Number(seconds) : 200);
    if (state === "refuses") {
      throw new NcfError(
        "STORE_UNAVAILABLE",
        `expected the store to ${name} ${args[0]}, found 503 Slow Down. Try again`,
        {
          retriable: true,
        },
      );
    }
    return method.apply(this, args);
  };
}
