/**
 * EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data"): the item-item matrix B with zeros on its
 * diagonal that best predicts each user's history from itself, in closed form.
 *
 *     minimize ‖X − X B‖² + λ ‖B‖²,  diag B = 0:      B = I − P / diag(P),  P = (Xᵀ X + λ I)⁻¹
 *     score(x, j) = (x B)_j
 *
 * X has a row a user, with 1 for what is in their history. EASE as published knows no order. Of it the newest of a history
 * can count most: its entry in x, when it is scored, is (1 + newer items)^−recency. Weights within X, when the model is
 * fitted, gained nothing on top, so there are none. The defaults have the best HR@10 on the validation splits of
 * ml-latest-small and ML-100K taken together (bench/rivals-tuning.ts).
 *
 * With fewer users than items, P is not needed itself (the Woodbury identity; ease-by-users.ts):
 *
 *     P = (I − Xᵀ K X) / λ,  K = (X Xᵀ + λ I)⁻¹
 *
 * With n the fewer of users and items, a fit costs n³ / 2 multiplications and 12 n² bytes of memory; a request costs
 * |x| · candidates by items, and users² plus the interactions with x and with the candidates by users; a file has
 * 4 items² bytes by items, and 4 users² bytes plus the training histories by users.
 */
import { NcfError } from "../core/errors.ts";
import type { BaselineKind, BaselineSettings, FitInput } from "./baseline.ts";
import { EaseByItems, solveByItems } from "./ease-by-items.ts";
import { EaseByUsers, solveByUsers } from "./ease-by-users.ts";
import { above, atLeast, checkSettings, positiveInteger } from "./settings.ts";

export type EaseSettings = Readonly<{
  /** λ. */
  regularization: number;
  /** How fast an item of the history counts less as there are newer ones; 0 knows no order. */
  recency: number;
  /** The most users or items, whichever are fewer, that a fit accepts. */
  largestSize: number;
}>;

function easeKind(name: string, defaults: EaseSettings): BaselineKind<EaseSettings> {
  const check = (settings: BaselineSettings): void =>
    checkSettings(name, settings, {
      regularization: above(0),
      recency: atLeast(0),
      largestSize: positiveInteger,
    });
  const load: BaselineKind<EaseSettings>["load"] = (settings, tensors) =>
    tensors.has("item_weights") ? new EaseByItems(name, settings, tensors) : new EaseByUsers(name, settings, tensors);
  return {
    name,
    defaults,
    check,
    load,
    async fit(input, settings, listeners) {
      check(settings);
      checkSize(name, input, settings);
      const { userIds, itemIds } = input.sample;
      const solve = userIds.length < itemIds.length ? solveByUsers : solveByItems;
      return load(settings, await solve(input.sample, settings.regularization, listeners));
    },
  };
}

/** As published. */
export const ease = easeKind("ease", { regularization: 500, recency: 0, largestSize: 12_000 });

/** With order: the newest items of a history count most. */
export const easeRecency = easeKind("ease-recency", { regularization: 600, recency: 0.8, largestSize: 12_000 });

/** Multiplications a second on one core, about (bench/rivals-cost.ts). */
const multiplicationsPerSecond = 1e9;

function checkSize(name: string, { sample }: FitInput, { largestSize }: EaseSettings): void {
  const { userIds, itemIds } = sample;
  const size = Math.min(userIds.length, itemIds.length);
  if (size <= largestSize) return;
  const hours = (size ** 3 / 2 / multiplicationsPerSecond / 3600).toFixed(1);
  const gigabytes = ((12 * size ** 2) / 1e9).toFixed(1);
  throw new NcfError(
    "MODEL_TOO_LARGE",
    `${name}: expected at most ${largestSize} users or items, whichever are fewer, found ${userIds.length} users and ` +
      `${itemIds.length} items. Fitting it would take about ${hours} hours and ${gigabytes} GB of memory. Take fewer users ` +
      `(--fraction), another model (ials grows with the interactions alone), or raise its setting largestSize to ${size}`,
    { data: { users: userIds.length, items: itemIds.length, largestSize } },
  );
}
