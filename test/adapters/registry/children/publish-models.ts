/** FOLDER NAME TIMES: publishes and promotes so many models, and prints each promotion as JSON. */
import { FileObjectStore } from "../../../../src/adapters/local/file-object-store.ts";
import { ObjectStoreRegistry } from "../../../../src/adapters/registry/object-store-registry.ts";
import { modelOf } from "../../../conformance/model-cards.ts";

const [folder, name, times] = process.argv.slice(2);
const registry = new ObjectStoreRegistry(new FileObjectStore(folder));
for (let i = 0; i < Number(times); i++) {
  const { version } = await registry.publish(modelOf(`${name} ${i}`));
  console.log(JSON.stringify(await registry.promote(version)));
}
