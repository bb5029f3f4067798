/** After the judgement: fits to all data with the judged settings, and makes the result the model that is served. */
import { NcfError } from "../core/errors.ts";
import { undivided } from "../core/leave-one-out.ts";
import type { Sample } from "../core/sample.ts";
import { presets } from "../ncf/config.ts";
import type {
  CardFacts,
  Champion,
  JsonValue,
  JudgedMetrics,
  ModelCard,
  ModelRegistry,
} from "../ports/model-registry.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { fitAndStore, type ModelPlan } from "./fit-model.ts";
import { type FittedModel, isBaseline } from "./fitted-model.ts";
import { publishModel } from "./published-model.ts";
import type { ReportModel } from "./report/report.ts";
import { popularityName } from "./report/verdicts.ts";
import { sampleHash } from "./sample.ts";
import type { TrainDeps } from "./train-model.ts";

export interface PublishDeps extends TrainDeps {
  readonly registry: ModelRegistry;
}

export interface PublishRequest {
  readonly plan: ModelPlan;
  /** The sample as it was judged; the held-out interactions go back into training. */
  readonly files: SampleFiles;
  /** What the judgement of the same settings gave. */
  readonly report: Judged;
  /** Whether another champion gives way: it does by default. */
  readonly promote?: "always" | "ifNoChampion";
  readonly seed: number;
  readonly threads: number;
  readonly checkpointEveryMs?: number;
  /** Called when the model is trained; what it throws keeps it from being published. */
  readonly beforePublishing?: () => Promise<void>;
  /** Of a run, one version is published, whichever backend ended it. */
  readonly runId?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The judged models of a report. */
export interface Judged {
  readonly models: readonly ReportModel[];
}

export interface PublishResult {
  readonly card: ModelCard;
  readonly champion: Champion;
}

/** The NCF preset with the best HR@10; where only baselines were judged, the best of these. */
export function modelToPublish({ models }: Judged): string {
  const judgedPresets = models.filter(({ name }) => Object.hasOwn(presets, name));
  const candidates = judgedPresets.length > 0 ? judgedPresets : models;
  return candidates.reduce((best, model) => (model.hrAt10 > best.hrAt10 ? model : best)).name;
}

/**
 * Fits, publishes and promotes. A model that is published already, by a call that was stopped before its end, say, is not
 * published again.
 *
 * @throws NcfError those of training and of the registry
 */
export async function trainAndPublish(deps: PublishDeps, request: PublishRequest): Promise<PublishResult> {
  const { plan, files, seed, promote = "always", checkpointEveryMs, signal } = request;
  const sample = undivided(files.sample);
  const prefix = `final/${plan.name}/`;
  const { model, sha256 } = await fitAndStore(deps, {
    plan,
    purpose: "all",
    sample,
    items: files.items,
    sampleSha256: sampleHash(sample),
    seed,
    threads: request.threads,
    prefix,
    existing: "resumeIfSame",
    ...(checkpointEveryMs && { checkpointEveryMs }),
    signal,
  });
  await request.beforePublishing?.();
  const card =
    (await versionOfModel(deps.registry, sha256, request.runId)) ??
    (await publish(deps.registry, model, await deps.store.get(`${prefix}model.safetensors`), sample, request));
  return { card, champion: await promoteTo(deps.registry, card.version, promote) };
}

/** The card of the newest version of this run, or with these very bytes; null where there is none. */
async function versionOfModel(
  registry: ModelRegistry,
  sha256: string,
  runId: string | undefined,
): Promise<ModelCard | null> {
  for (const version of (await registry.list()).reverse()) {
    const card = await registry.card(version);
    const isOfRun = runId !== undefined && card.runId === runId;
    if (isOfRun || card.files["model.safetensors"].sha256 === sha256) return card;
  }
  return null;
}

async function promoteTo(
  registry: ModelRegistry,
  version: string,
  when: NonNullable<PublishRequest["promote"]>,
): Promise<Champion> {
  if (when === "always") return registry.promote(version);
  const champion = await registry.champion();
  if (champion !== null) return champion;
  try {
    return await registry.promote(version, { expectedRevision: 0 });
  } catch (error) {
    // Another publisher was faster.
    const first = await registry.champion();
    if (error instanceof NcfError && error.code === "CHAMPION_MOVED" && first !== null) return first;
    throw error;
  }
}

function publish(
  registry: ModelRegistry,
  fitted: FittedModel,
  model: Uint8Array,
  sample: Sample,
  { plan, files, report, seed, runId }: PublishRequest,
): Promise<ModelCard> {
  const { name } = plan;
  const judged = report.models.find((candidate) => candidate.name === name) ?? null;
  const { dataset, generated, ratingsSha256 } = files.manifest;
  return publishModel(registry, {
    model,
    sample,
    items: files.items,
    card: {
      name,
      trainedOn: "allData",
      dataset: {
        name: dataset,
        generated,
        ratingsSha256,
        users: sample.userIds.length,
        items: sample.itemIds.length,
        interactions: sample.train.items.length,
      },
      settings: asJson(isBaseline(fitted) ? fitted.settings : fitted.config),
      seed,
      judged: judged && judgedMetrics(judged, report),
      ...(runId !== undefined && { runId }),
    } satisfies Omit<CardFacts, "cutOff">,
    metrics: asJson(judged),
  });
}

function judgedMetrics({ hrAt10, ndcgAt10, cases }: ReportModel, { models }: Judged): JudgedMetrics | null {
  const popularity = models.find(({ name }) => name === popularityName);
  return popularity === undefined ? null : { hrAt10, ndcgAt10, cases, popularityHrAt10: popularity.hrAt10 };
}

function asJson(value: object | null): JsonValue {
  return JSON.parse(JSON.stringify(value));
}
