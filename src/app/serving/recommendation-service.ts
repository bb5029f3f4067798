/** The use case of serving: recommendations, scores and histories from one version of a model. */

import { bestPositions } from "../../core/best-items.ts";
import type { ExplainedUser } from "../explain.ts";
import { Catalogue, type CatalogueItem } from "./catalogue.ts";
import { type Explanation, explainItems } from "./explained-items.ts";
import { IdLookup } from "./id-lookup.ts";
import type { RecordedInteractions } from "./recorded-interactions.ts";
import type { ServedModel } from "./served-model.ts";
import { byTime, FoldedUsers, knownItems, recordedTouches, sampleTouches, type Touch } from "./user-state.ts";

/**
 * What an answer rests on: the user as the model was trained on them, their history with what came since, or, for users of
 * whom nothing is known, what everybody likes.
 */
export const bases = ["model", "foldIn", "popularity"] as const;
export type Basis = (typeof bases)[number];

export interface RecommendRequest {
  /** None for an anonymous user. */
  readonly userId?: string | undefined;
  /** What the user has just touched, oldest first: counted in this answer, not recorded. */
  readonly recentItems?: readonly string[] | undefined;
  readonly k: number;
  /** Whether to say what speaks for each item; it costs a fold-in for each of the user's newest items. */
  readonly explain?: boolean | undefined;
}

export interface Interaction {
  readonly userId: string;
  readonly itemId: string;
  readonly timestampMs: number;
}

export interface ScoredItem extends CatalogueItem {
  /** What the model says, or the number of interactions for popularity; only the order counts. */
  readonly score: number;
}

/** Explained where that was asked for. */
export interface RecommendedItem extends ScoredItem, Partial<Explanation> {}

export interface Recommendations {
  readonly version: string;
  readonly basis: Basis;
  /** Best first, ties by id ascending; nothing that the user has touched. */
  readonly items: RecommendedItem[];
}

export interface Scores {
  readonly version: string;
  readonly basis: Basis;
  /** In the order asked for; null for an item that the model does not know. */
  readonly scores: { readonly itemId: string; readonly score: number | null }[];
}

export interface RecordOutcome {
  readonly recorded: number;
  /** On items that the user had touched before: nothing changes. */
  readonly repeats: number;
  /** Of the recorded, those on items that this version does not know: they count once a version does. */
  readonly unknownItems: number;
}

export interface HistoryItem extends CatalogueItem {
  readonly timestampMs: number;
  /** Whether it came to the service, rather than with the data set. */
  readonly recorded: boolean;
}

export interface History {
  /** Whether the user is known to the model or has interactions. */
  readonly known: boolean;
  readonly total: number;
  /** The newest first. */
  readonly items: HistoryItem[];
}

export interface ServedUser {
  readonly userId: string;
  readonly interactions: number;
}

export interface ServedModelFacts {
  readonly version: string;
  readonly name: string;
  readonly dataset: {
    readonly name: string;
    readonly generated: boolean;
    readonly users: number;
    readonly items: number;
    readonly interactions: number;
  };
  /** Null for a model that comes from no registry. */
  readonly published: NonNullable<ServedModel["published"]> | null;
}

interface Found {
  readonly user: number;
  readonly item: number;
}

interface Touches {
  readonly fromSample: readonly Touch[];
  readonly recorded: readonly Touch[];
}

const nothing: Touches = { fromSample: [], recorded: [] };

/** How a request's user is scored, and what they have touched. */
interface Viewer extends ExplainedUser {
  readonly touched: readonly Touch[];
  readonly basis: Basis;
  readonly score: (items: Int32Array, scores: Float64Array) => void;
}

/**
 * Answers from one version of a model. All methods are synchronous, so none of them ever sees half of an interaction;
 * only the recorded interactions change, and several versions may share them.
 */
export class RecommendationService {
  readonly #served: ServedModel;
  readonly #catalogue: Catalogue;
  readonly #users: IdLookup;
  readonly #recorded: RecordedInteractions;
  readonly #folded: FoldedUsers;

  /** @param catalogue that of the same model, where it was made before */
  constructor(
    served: ServedModel,
    recorded: RecordedInteractions,
    catalogue = new Catalogue(served.sample, served.histories.itemCounts, served.items),
  ) {
    this.#served = served;
    this.#catalogue = catalogue;
    this.#users = new IdLookup(served.sample.userIds, served.sample.userLabels);
    this.#recorded = recorded;
    this.#folded = new FoldedUsers(served.userModel);
  }

  /** The same version with other recorded interactions. */
  knowing(recorded: RecordedInteractions): RecommendationService {
    return new RecommendationService(this.#served, recorded, this.#catalogue);
  }

  get facts(): ServedModelFacts {
    const { version, userModel, dataset, sample, histories, published = null } = this.#served;
    return {
      version,
      name: userModel.name,
      dataset: {
        ...dataset,
        users: sample.userIds.length,
        items: sample.itemIds.length,
        interactions: histories.interactions,
      },
      published,
    };
  }

  /** @throws NcfError `ID_INVALID`, `SCORE_NAN` */
  recommend({ userId, recentItems = [], k, explain = false }: RecommendRequest): Recommendations {
    const viewer = this.#viewer(userId, recentItems);
    const unseen = this.#allBut(viewer.touched);
    const scores = new Float64Array(unseen.length);
    viewer.score(unseen, scores);
    const best = bestPositions(scores, k);
    const chosen = Int32Array.from(best, (at) => unseen[at]);
    const explained = explain ? explainItems(this.#served.userModel, this.#catalogue, viewer, chosen) : [];
    const items = best.map((at, i) => ({ ...this.#catalogue.item(unseen[at]), score: scores[at], ...explained[i] }));
    return { version: this.#served.version, basis: viewer.basis, items };
  }

  /** @throws NcfError `ID_INVALID` */
  scores(userId: string, itemIds: readonly string[]): Scores {
    const viewer = this.#viewer(userId, []);
    const items = itemIds.map((id) => this.#catalogue.ids.indexOf(id));
    const known = Int32Array.from(items.filter((item) => item >= 0));
    const scores = new Float64Array(known.length);
    viewer.score(known, scores);
    let next = 0;
    return {
      version: this.#served.version,
      basis: viewer.basis,
      scores: itemIds.map((itemId, i) => ({ itemId, score: items[i] >= 0 ? scores[next++] : null })),
    };
  }

  /**
   * Those that `record` would record, were it called now.
   *
   * @throws NcfError `ID_INVALID`; `INTERACTIONS_FULL` when they might not fit
   */
  newOf(interactions: readonly Interaction[]): Interaction[] {
    this.#recorded.checkRoom(interactions.length);
    return interactions.filter((interaction) => !this.#isRepeat(interaction, this.#found(interaction)));
  }

  /**
   * Takes effect at once: the next answer leaves the items out, and from the first one on the user is folded in.
   *
   * @throws NcfError `ID_INVALID`: nothing was recorded
   */
  record(interactions: readonly Interaction[]): RecordOutcome {
    const found = interactions.map((interaction) => this.#found(interaction));
    let [recorded, unknownItems] = [0, 0];
    for (const [i, interaction] of interactions.entries()) {
      if (this.#isRepeat(interaction, found[i])) continue;
      const { userId, itemId, timestampMs } = interaction;
      this.#recorded.add(userId, { itemId, timestampMs });
      recorded += 1;
      if (found[i].item < 0) unknownItems += 1;
    }
    return { recorded, repeats: interactions.length - recorded, unknownItems };
  }

  /** @throws NcfError `ID_INVALID` */
  history(userId: string, limit: number): History {
    const user = this.#users.indexOf(userId);
    const { fromSample, recorded } = this.#touches(userId, user);
    const touches = byTime([...fromSample, ...recorded]).reverse();
    return {
      known: user >= 0 || recorded.length > 0,
      total: touches.length,
      items: touches.slice(0, limit).map((touch) => ({
        ...(touch.item >= 0 ? this.#catalogue.item(touch.item) : { itemId: touch.itemId, title: null, genres: [] }),
        timestampMs: touch.timestampMs,
        recorded: touch.recorded,
      })),
    };
  }

  /** Items by title, with their training interactions; the most popular for an empty query. */
  searchItems(query: string, limit: number): (CatalogueItem & { readonly interactions: number })[] {
    return this.#catalogue.search(query, limit).map((index) => ({
      ...this.#catalogue.item(index),
      interactions: this.#catalogue.popularity[index],
    }));
  }

  /** Users whose id starts with `prefix`: the model's by ascending id, then those who came since. */
  users(prefix: string, limit: number): ServedUser[] {
    const found: ServedUser[] = [];
    for (let user = 0; user < this.#users.length && found.length < limit; user++) {
      const userId = this.#users.textOf(user);
      if (!userId.startsWith(prefix)) continue;
      const trained = this.#served.histories.count(user);
      const since = this.#recorded.of(userId);
      const recorded = since.length === 0 ? 0 : this.#touches(userId, user).recorded.length;
      found.push({ userId, interactions: trained + recorded });
    }
    for (const userId of this.#recorded.users()) {
      if (found.length >= limit) break;
      if (!userId.startsWith(prefix) || this.#users.indexOf(userId) >= 0) continue;
      found.push({ userId, interactions: this.#recorded.of(userId).length });
    }
    return found;
  }

  /** Indices of the items that are not among those touched, ascending. */
  #allBut(touched: readonly Touch[]): Int32Array {
    const items = this.#catalogue.ids.length;
    const seen = new Uint8Array(items);
    for (const { item } of touched) if (item >= 0) seen[item] = 1;
    const others = new Int32Array(items);
    let count = 0;
    for (let item = 0; item < items; item++) if (seen[item] === 0) others[count++] = item;
    return others.subarray(0, count);
  }

  #viewer(userId: string | undefined, recentItems: readonly string[]): Viewer {
    const user = userId === undefined ? -1 : this.#users.indexOf(userId);
    const { fromSample, recorded } = userId === undefined ? nothing : this.#touches(userId, user);
    const recent = [...new Set(recentItems)].map((itemId) => ({
      item: this.#catalogue.ids.indexOf(itemId),
      itemId,
      timestampMs: Number.POSITIVE_INFINITY,
      recorded: false,
    }));
    const earlier = byTime([...fromSample, ...recorded]);
    const touchedBefore = new Set(earlier.map(({ itemId }) => itemId));
    const touched = [...earlier, ...recent.filter(({ itemId }) => !touchedBefore.has(itemId))];
    const history = knownItems(touched);
    const made = recent.some(({ item }) => item >= 0)
      ? { folded: this.#served.userModel.fold(history, user) }
      : this.#folded.of(userId ?? "", user, fromSample, recorded);
    return { touched, user, history, ...this.#scoring(made, user, history) };
  }

  /** @param made what the model makes of the history; null where it knows the user by training alone */
  #scoring(
    made: { readonly folded: unknown } | null,
    user: number,
    history: Int32Array,
  ): Pick<Viewer, "basis" | "score"> {
    const { userModel } = this.#served;
    if (made !== null) {
      return { basis: "foldIn", score: (items, scores) => userModel.scoreFolded(made.folded, history, items, scores) };
    }
    if (user >= 0)
      return { basis: "model", score: (items, scores) => userModel.scoreTrained(user, history, items, scores) };
    const counts = this.#catalogue.popularity;
    return {
      basis: "popularity",
      score: (items, scores) => {
        for (let i = 0; i < items.length; i++) scores[i] = counts[items[i]];
      },
    };
  }

  #touches(userId: string, user: number): Touches {
    const fromSample = sampleTouches(this.#served.histories, user, this.#catalogue.ids);
    return {
      fromSample,
      recorded: recordedTouches(this.#recorded.of(userId), fromSample, this.#catalogue.ids),
    };
  }

  /** Indices of user and item, −1 for those that the model does not know. @throws NcfError `ID_INVALID` */
  #found({ userId, itemId }: Interaction): Found {
    return { user: this.#users.indexOf(userId), item: this.#catalogue.ids.indexOf(itemId) };
  }

  /** Whether the user touched the item before, in the sample or since. */
  #isRepeat({ userId, itemId }: Interaction, { user, item }: Found): boolean {
    return this.#sampleHas(user, item) || this.#recorded.has(userId, itemId);
  }

  #sampleHas(user: number, item: number): boolean {
    if (user < 0 || item < 0) return false;
    return this.#served.histories.of(user).items.includes(item);
  }
}
