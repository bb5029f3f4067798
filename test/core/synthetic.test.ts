import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { moviesCsv, ratingsCsv } from "../../src/core/synthetic/csv.ts";
import { SyntheticDataset, type SyntheticOptions } from "../../src/core/synthetic/dataset.ts";
import { syntheticRatingTable } from "../../src/core/synthetic/table.ts";

const tiny: SyntheticOptions = { shape: "small", seed: 7, users: 60, movies: 300, ratings: 3000 };

function csvHash(options: SyntheticOptions): string {
  const data = new SyntheticDataset(options);
  const hash = createHash("sha256");
  for (const chunk of ratingsCsv(data.allUsers(), data.movies)) hash.update(chunk);
  return hash.update(moviesCsv(data.movies)).digest("hex");
}

describe("generated data", () => {
  it("has exactly the numbers asked for, and no repeated pair", () => {
    const size = fc.record({
      shape: fc.constantFrom("small" as const, "ml-20m" as const),
      seed: fc.maxSafeNat(),
      users: fc.integer({ min: 1, max: 40 }),
      movies: fc.integer({ min: 1, max: 80 }),
      fullness: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(size, ({ fullness, ...options }) => {
        // One rating a user at least; at most every user with every rated movie.
        const rated = (ratings: number): number => new SyntheticDataset({ ...options, ratings }).ratings;
        const most = options.users * Math.max(1, Math.round(options.movies * 0.98));
        const ratings = Math.max(options.users, Math.floor(fullness * most * 0.99));
        if (ratings > most) return;
        expect(rated(ratings)).toBe(ratings);
        const data = new SyntheticDataset({ ...options, ratings });
        const pairs = new Set<number>();
        let users = 0;
        for (const { id, movies } of data.allUsers()) {
          users++;
          expect(movies.length).toBeGreaterThan(0);
          for (const movie of movies) pairs.add(id * 1000 + movie);
        }
        expect(users).toBe(options.users);
        expect(data.movies).toHaveLength(options.movies);
        expect(pairs.size).toBe(ratings);
      }),
      { numRuns: 40 },
    );
  });

  it("gives the same bytes for the same seed and others for another", () => {
    expect(csvHash(tiny)).toBe(csvHash(tiny));
    expect(csvHash({ ...tiny, seed: 8 })).not.toBe(csvHash(tiny));
  });

  it("gives a user's ratings in any order of asking", () => {
    const forwards = [...new SyntheticDataset(tiny).allUsers()];
    const data = new SyntheticDataset(tiny);
    for (let user = data.users - 1; user >= 0; user--) expect(data.user(user)).toEqual(forwards[user]);
  });

  it("rates every movie but the share that the shape leaves out", () => {
    const data = new SyntheticDataset({ shape: "ml-20m", seed: 3, users: 300, movies: 1000, ratings: 20_000 });
    expect(syntheticRatingTable(data).itemIds).toHaveLength(Math.round((1000 * 26_744) / 27_278));
  });

  it("names movies with ascending ids that leave gaps, years and known genres", () => {
    const { movies } = new SyntheticDataset(tiny);
    const ids = movies.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(ids.at(-1)).toBe(Math.round((300 * 193_609) / 9742));
    for (const { title, genres } of movies) {
      expect(title).toMatch(/^\S.* \((19|20)\d\d\)$/);
      expect(genres.length).toBeGreaterThan(0);
      expect(new Set(genres).size).toBe(genres.length);
    }
  });

  it("rates in half stars, in whole ones before 2003, and no movie before its year", () => {
    const data = new SyntheticDataset({ ...tiny, users: 200, movies: 600, ratings: 9000 });
    const halvesFrom = Date.UTC(2003, 1, 18) / 1000;
    let halves = 0;
    for (const { movies, stars, seconds } of data.allUsers()) {
      for (let i = 0; i < movies.length; i++) {
        expect(stars[i] * 2).toBe(Math.min(10, Math.max(1, Math.round(stars[i] * 2))));
        if (stars[i] % 1 !== 0) halves++;
        if (seconds[i] < halvesFrom) expect(stars[i] % 1).toBe(0);
        const year = Number(data.movies[movies[i]].title.slice(-5, -1));
        expect(new Date(seconds[i] * 1000).getUTCFullYear()).toBeGreaterThanOrEqual(year);
      }
    }
    expect(halves).toBeGreaterThan(500);
  });

  it.each([{ users: 10, ratings: 9 }, { users: 10, movies: 10, ratings: 101 }, { users: 0 }, { movies: 1.5 }])(
    "refuses the impossible size %o",
    (size) => {
      expect(() => new SyntheticDataset({ ...tiny, ...size })).toThrowError(
        expect.objectContaining({ code: "GENERATOR_SIZE" }),
      );
    },
  );
});

describe("the table of generated data", () => {
  it("is what reading the CSV gives", () => {
    const data = new SyntheticDataset(tiny);
    const table = syntheticRatingTable(data);
    const text = Buffer.concat([...ratingsCsv(data.allUsers(), data.movies)]).toString();
    const lines = text.trimEnd().split("\n");
    expect(lines[0]).toBe("userId,movieId,rating,timestamp");
    const rows = Array.from(
      { length: table.length },
      (_, i) =>
        `${table.userIds[table.user[i]]},${table.itemIds[table.item[i]]},${table.rating[i].toFixed(1)},${table.timestampMs[i] / 1000}`,
    );
    expect(lines.slice(1)).toEqual(rows);
  });
});
