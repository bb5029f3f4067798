/** Hits by pool, kind of user and year, and their Markdown table with a paired bootstrap over users. */
import { purposes, Rng, streamKey } from "../src/core/rng.ts";

const resamples = 2_000;

interface Cell {
  cases: number;
  /** Shape [contenders]. */
  readonly hits: Float64Array;
  /** Shape [users] and [contenders][users]. */
  readonly userCases: Float64Array;
  readonly userHits: readonly Float64Array[];
}

/** Hits of one year: `shares` has each contender's HR@10. */
export interface YearOfHits {
  readonly year: number;
  readonly cases: number;
  readonly shares: readonly number[];
}

export class HitTable {
  readonly #contenders: readonly string[];
  readonly #users: number;
  /** By pool and kind. */
  readonly #cells = new Map<string, Cell>();
  readonly #years = new Map<number, { cases: number; readonly hits: Float64Array }>();

  constructor(contenders: readonly string[], users: number) {
    this.#contenders = contenders;
    this.#users = users;
  }

  /** @param hits shape [contenders] */
  add(pool: string, kinds: readonly string[], user: number, hits: readonly number[], year: number | null): void {
    for (const kind of kinds) {
      const cell = this.#cell(`${kind}, ${pool}`);
      cell.cases += 1;
      cell.userCases[user] += 1;
      hits.forEach((hit, contender) => {
        cell.hits[contender] += hit;
        cell.userHits[contender][user] += hit;
      });
    }
    if (year === null) return;
    const of = this.#years.get(year) ?? { cases: 0, hits: new Float64Array(this.#contenders.length) };
    this.#years.set(year, of);
    of.cases += 1;
    hits.forEach((hit, contender) => {
      of.hits[contender] += hit;
    });
  }

  years(): YearOfHits[] {
    const years = [...this.#years].sort(([a], [b]) => a - b);
    return years.map(([year, { cases, hits }]) => ({ year, cases, shares: Array.from(hits, (sum) => sum / cases) }));
  }

  /** One row a pool and kind of user, with the difference of two contenders at its end. */
  markdown(first: string, second: string): string {
    const rows = [...this.#cells].sort(([a], [b]) => rank(a) - rank(b));
    const header = ["users, candidates", "events", ...this.#contenders, `${first} less ${second}`];
    const lines = rows.map(([name, cell]) => {
      const shares = Array.from(cell.hits, (sum) => (sum / cell.cases).toFixed(3).replace(/^0/, ""));
      return [name, String(cell.cases), ...shares, this.#difference(cell, first, second)];
    });
    return [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  }

  #cell(key: string): Cell {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const perUser = (): Float64Array => new Float64Array(this.#users);
      cell = {
        cases: 0,
        hits: new Float64Array(this.#contenders.length),
        userCases: perUser(),
        userHits: this.#contenders.map(perUser),
      };
      this.#cells.set(key, cell);
    }
    return cell;
  }

  /** Points with their 95 % interval and two-sided p. Users without a case are not drawn. */
  #difference({ userCases, userHits }: Cell, first: string, second: string): string {
    const [a, b] = [first, second].map((name) => userHits[this.#contenders.indexOf(name)]);
    const users = Array.from(userCases.keys()).filter((user) => userCases[user] > 0);
    const over = (drawn: readonly number[]): number => {
      let [sum, cases] = [0, 0];
      for (const user of drawn) {
        sum += a[user] - b[user];
        cases += userCases[user];
      }
      return (100 * sum) / cases;
    };
    const means = Array.from({ length: resamples }, (_, resample) => {
      const rng = new Rng(streamKey(1, purposes.bootstrap, resample));
      return over(users.map(() => users[rng.below(users.length)]));
    }).sort((x, y) => x - y);
    const below = means.filter((mean) => mean <= 0).length;
    const p = Math.min(1, (2 * (1 + Math.min(below, resamples - below))) / (1 + resamples));
    const signed = (points: number): string => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
    const [low, high] = [means[Math.floor(0.025 * resamples)], means[Math.ceil(0.975 * resamples) - 1]];
    return `${signed(over(users))} [${signed(low)}, ${signed(high)}] p${p < 0.01 ? "<.01" : `=${p.toFixed(2).slice(1)}`}`;
  }
}

const kindsInOrder = ["cold", "folded in", "warm", "new in the week", "older", "all"];

/** All items before those touched so far, and within a pool by kind. */
function rank(name: string): number {
  const [kind, pool] = name.split(", ");
  return (pool.startsWith("all") ? 0 : kindsInOrder.length) + kindsInOrder.indexOf(kind);
}
