/** The recommender that knows the truth behind generated data. */
import { NcfError } from "../errors.ts";
import type { ItemDetails } from "../ratings.ts";
import type { Recommender } from "../recommender.ts";
import type { Sample } from "../sample.ts";
import { moodAt, type Preferences } from "./preferences.ts";

/**
 * Scores by the intensity at the time of the user's test rating.
 *
 * @param firstSecond gives the time at which a generated user (by index) joined
 * @param sample made from the generated data: its ids are those of the generator
 */
export function oracle(
  preferences: Preferences,
  movies: readonly ItemDetails[],
  firstSecond: (user: number) => number,
  sample: Sample,
): Recommender {
  const movieOfId = new Map(movies.map(({ id }, index) => [id, index]));
  const movieOf = Int32Array.from(sample.itemIds, (id) => {
    const movie = movieOfId.get(id);
    if (movie === undefined) {
      throw new NcfError("ORACLE_FOREIGN", `expected a sample of the generated data, found the unknown movie id ${id}`);
    }
    return movie;
  });
  return {
    name: "oracle",
    score(user, items, scores) {
      const generated = sample.userIds[user] - 1;
      const lastTrained = sample.train.timestampsMs[sample.train.offsets[user + 1] - 1];
      const testMs = sample.testTimestampsMs[user];
      const second = (Number.isNaN(testMs) ? lastTrained : testMs) / 1000;
      const mood = moodAt(preferences.tastesOf(generated), firstSecond(generated), second, 1);
      for (let i = 0; i < items.length; i++) {
        scores[i] = preferences.intensity(mood, movieOf[items[i]]);
      }
    },
  };
}
