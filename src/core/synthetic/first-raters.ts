/** Every rated movie needs a rating: who gives it, settled before the others are drawn. */

import { AliasTable } from "./alias.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Preferences } from "./preferences.ts";
import { generatorRng } from "./streams.ts";

/** Users who are considered for each movie. */
const candidates = 4;

/** Each user's assigned movies: user u's are movies[offsets[u]] … movies[offsets[u + 1] − 1]. */
export interface FirstRaters {
  readonly offsets: Int32Array;
  readonly movies: Int32Array;
}

/**
 * Assigns every rated movie to a user: among a few active users, one in proportion to how much they like it.
 *
 * @param joinSecond shape [users]: each user's first second (UTC)
 */
export function assignFirstRaters(
  catalogue: Catalogue,
  preferences: Preferences,
  activity: Int32Array,
  joinSecond: Float64Array,
  seed: number,
): FirstRaters {
  const users = activity.length;
  const byActivity = new AliasTable(Int32Array.from(activity.keys()), Float64Array.from(activity));
  const rng = generatorRng(seed, "firstRaters");
  const raterOf = new Int32Array(catalogue.movies.length).fill(-1);
  const assigned = new Int32Array(users);
  const liking = new Float64Array(candidates);
  const chosen = new Int32Array(candidates);
  const latestReleasesFirst = Array.from(raterOf.keys())
    .filter((movie) => catalogue.popularity[movie] > 0)
    .sort((a, b) => catalogue.releaseSecond[b] - catalogue.releaseSecond[a] || a - b);
  const lastJoinersFirst = Array.from(activity.keys()).sort((a, b) => joinSecond[b] - joinSecond[a] || a - b);
  let lastJoiner = 0;
  for (const movie of latestReleasesFirst) {
    let total = 0;
    for (let i = 0; i < candidates; i++) {
      let user = byActivity.draw(rng);
      const suits = () => joinSecond[user] >= catalogue.releaseSecond[movie] && assigned[user] * 2 < activity[user];
      for (let attempt = 0; attempt < 64 && !suits(); attempt++) user = byActivity.draw(rng);
      if (!suits()) {
        while (assigned[lastJoinersFirst[lastJoiner]] >= activity[lastJoinersFirst[lastJoiner]]) lastJoiner++;
        user = lastJoinersFirst[lastJoiner];
      }
      chosen[i] = user;
      liking[i] = preferences.liking(preferences.tastesOf(user).early, movie);
      total += liking[i];
    }
    let rest = rng.unit() * total;
    let i = 0;
    while (i < candidates - 1 && rest >= liking[i]) rest -= liking[i++];
    raterOf[movie] = chosen[i];
    assigned[chosen[i]]++;
  }
  return byUser(raterOf, assigned);
}

function byUser(raterOf: Int32Array, assigned: Int32Array): FirstRaters {
  const offsets = new Int32Array(assigned.length + 1);
  for (let user = 0; user < assigned.length; user++) offsets[user + 1] = offsets[user] + assigned[user];
  const next = offsets.slice();
  const movies = new Int32Array(offsets[assigned.length]);
  raterOf.forEach((user, movie) => {
    if (user >= 0) movies[next[user]++] = movie;
  });
  return { offsets, movies };
}
