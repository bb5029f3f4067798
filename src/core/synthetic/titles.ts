/** Invented film titles in MovieLens's manner: "Title (1995)", articles moved behind a comma. */
import type { Rng } from "../rng.ts";

const qualities = (
  "Silent Crimson Hollow Golden Distant Broken Midnight Winter Paper Electric Forgotten Velvet Burning Second Lonely " +
  "Painted Northern Restless Hidden Savage Gentle Borrowed Empty Crooked Blue Frozen Wild Secret Iron Last Drifting " +
  "Patient Scarlet Tangled Quiet Bitter Lucky Wandering Sunken Glass"
).split(" ");

const things = (
  "Harbor Garden Orchard Letter Mirror Station River Stranger Carnival Lantern Horizon Compass Widow Soldier Parade " +
  "Kingdom Witness Island Sparrow Telegram Piano Shadow Engine Summer Verdict Avenue Meridian Courier Tide Cathedral " +
  "Signal Masquerade Fortune Canyon Detective Satellite Bargain Apprentice Waltz Frontier Window Pilot Ferry Comet " +
  "Wolf Ballad Hotel Reunion Café Señor"
).split(" ");

const places = (
  "Lisbon Marrow Tallinn Dover Almeria Kestrel Ganymede Trieste Verona Aldgate Samarkand Quebec Montana Osaka " +
  "Córdoba Zanzibar"
).split(" ");

/** A title without a year, such as "Hollow Lantern, The". */
export function inventedTitle(rng: Rng): string {
  const quality = () => qualities[rng.below(qualities.length)];
  const thing = () => things[rng.below(things.length)];
  const place = () => places[rng.below(places.length)];
  switch (rng.below(8)) {
    case 0:
      return `${quality()} ${thing()}, The`;
    case 1:
      return `${thing()} of ${place()}, The`;
    case 2:
      return `${quality()} ${thing()}, A`;
    case 3:
      return `${quality()} ${thing()} ${2 + rng.below(3)}`;
    case 4:
      return `${thing()} in ${place()}`;
    case 5:
      return `${place()}: ${quality()} ${thing()}`;
    case 6:
      return `${quality()} ${quality()} ${thing()}`;
    default:
      return `${quality()} ${thing()}`;
  }
}
