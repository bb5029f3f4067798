/** FOLDER: opens the interaction log there, says so, and holds it. */
import { FileInteractionLog } from "../../../../src/adapters/local/file-interaction-log.ts";

await FileInteractionLog.open(process.argv[2]);
console.log("open");
setInterval(() => undefined, 1000);
