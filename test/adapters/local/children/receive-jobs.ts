/** FOLDER HOW: `all` receives and deletes jobs until none comes, printing their bodies; `hold` receives one and stays. */
import { FileJobQueue } from "../../../../src/adapters/local/file-job-queue.ts";

const [folder, how] = process.argv.slice(2);
const queue = new FileJobQueue(folder, { maxReceives: 3 });
if (how === "hold") {
  const [job] = await queue.receive({ visibilityTimeoutSeconds: 600 });
  console.log(job.body);
  setInterval(() => undefined, 1000);
} else {
  for (;;) {
    const jobs = await queue.receive({ max: 3, visibilityTimeoutSeconds: 600, waitSeconds: 1 });
    if (jobs.length === 0) break;
    for (const { body, receipt } of jobs) {
      console.log(body);
      await queue.delete(receipt);
    }
  }
}
