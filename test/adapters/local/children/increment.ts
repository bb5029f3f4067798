/** FOLDER TIMES: increments the object `counter` so often by conditional writes, and prints each value that it wrote. */
import { FileObjectStore } from "../../../../src/adapters/local/file-object-store.ts";

const [folder, times] = process.argv.slice(2);
const store = new FileObjectStore(folder);
for (let done = 0; done < Number(times); ) {
  const etag = (await store.head("counter"))?.etag ?? "";
  const next = Number(new TextDecoder().decode(await store.get("counter"))) + 1;
  if ((await store.putIfMatch("counter", new TextEncoder().encode(String(next)), etag)) === null) continue;
  console.log(next);
  done++;
}
