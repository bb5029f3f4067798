import { leaveOneOut } from "../../src/core/leave-one-out.ts";
import type { Sample } from "../../src/core/sample.ts";
import { ratingTable } from "./rating-table.ts";

/**
 * Users and items of several colours. A user takes every item of their own colour and no other; the last one taken is
 * held out. So the held-out item is the only unseen item of the user's colour, and the right answer is certain.
 *
 * Within a colour each item is held out equally often (`usersPerColour` is a multiple of `itemsPerColour`), so all
 * items are equally popular in training, and popularity knows nothing.
 */
export function checkerboard(colours: number, usersPerColour: number, itemsPerColour: number): Sample {
  const rows: [user: number, item: number, timestampMs: number][] = [];
  for (let user = 0; user < colours * usersPerColour; user++) {
    const colour = user % colours;
    const heldOut = Math.floor(user / colours) % itemsPerColour;
    for (let turn = 1; turn <= itemsPerColour; turn++) {
      const item = ((heldOut + turn) % itemsPerColour) * colours + colour;
      rows.push([user, item, turn * 1000]);
    }
  }
  const everyone = new Uint8Array(colours * usersPerColour).fill(1);
  return leaveOneOut(ratingTable(rows), everyone, { tieRule: "firstInFile", seed: 1, listedItemIds: null }).sample;
}
