import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import packageJson from "../../package.json" with { type: "json" };
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { OpenedService } from "../../src/app/serving/opened-service.ts";
import { StoredService } from "../../src/app/serving/stored-service.ts";
import { loadStored } from "../../src/app/serving/stored-version.ts";
import { StreamInteractions } from "../../src/app/serving/stream-interactions.ts";
import { onlyGroup } from "../../src/app/stream/group-descriptor.ts";
import { ArchivedWindows } from "../../src/app/windows-live/archived-windows.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { bucketStore, hasty } from "../aws-clients.ts";
import { environment } from "../environment.ts";
import { observer } from "../observability.ts";
import { createHandler } from "../score.ts";

const settings = environment(["NCF_BUCKET", "NCF_STREAM_GROUP"]);
const store = bucketStore(settings.NCF_BUCKET, hasty);
const registry = new ObjectStoreRegistry(store);
const watched = observer();
const shared = {
  store,
  group: async () => settings.NCF_STREAM_GROUP ?? (await onlyGroup(store)),
  monotonicMs: () => performance.now(),
  refreshMs: 10_000,
};
const since = new StreamInteractions(shared);
const service = new OpenedService(() =>
  StoredService.open({
    registry,
    load: (champion) => loadStored({ registry, store, createScorer }, champion),
    since,
    monotonicMs: shared.monotonicMs,
    watchMs: 30_000,
    onVersion: (name) => watched.log("versionServed", { version: name }),
    onError: watched.error,
  }),
);
/** No longer than this does a start wait for S3: the first request can be answered then, if only with 503. */
const startMs = 5_000;
// While the Lambda starts, when it has more of a processor than later. What fails now is told to the first request.
await Promise.race([
  Promise.allSettled([service.serviceFor(), since.refresh()]),
  sleep(startMs, undefined, { ref: false }),
]);

export const handler = createHandler({
  service,
  windows: new ArchivedWindows({ ...shared, instance: randomUUID() }),
  version: packageJson.version,
  observer: watched,
});
