/** After the judgement: trains on all data with the judged settings, and makes the result the model that is served. */
import { undivided } from "../core/leave-one-out.ts";
import { type NcfConfig, presets } from "../ncf/config.ts";
import type {
  CardFacts,
  Champion,
  JsonValue,
  JudgedMetrics,
  ModelCard,
  ModelRegistry,
} from "../ports/model-registry.ts";
import type { SampleFiles } from "../ports/sample-store.ts";
import { publishModel } from "./published-model.ts";
import type { Report, ReportModel } from "./report/report.ts";
import { popularityName } from "./report/verdicts.ts";
import { sampleHash } from "./sample.ts";
import { type TrainDeps, trainAndStore } from "./train-model.ts";

export interface PublishDeps extends TrainDeps {
  readonly registry: ModelRegistry;
}

export interface PublishRequest {
  /** The preset's name and settings. */
  readonly name: string;
  readonly config: NcfConfig;
  /** The sample as it was judged; the held-out interactions go back into training. */
  readonly files: SampleFiles;
  /** What the judgement of the same settings gave. */
  readonly report: Report;
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PublishResult {
  readonly card: ModelCard;
  readonly champion: Champion;
}

/** The NCF preset with the best HR@10; null where only baselines were judged. */
export function bestPreset({ models }: Report): string | null {
  const judged = models.filter(({ name }) => Object.hasOwn(presets, name));
  return (
    judged.reduce<ReportModel | null>(
      (best, model) => (best === null || model.hrAt10 > best.hrAt10 ? model : best),
      null,
    )?.name ?? null
  );
}

/**
 * Trains, publishes and promotes. Where the champion is this very model already, it stays.
 *
 * @throws NcfError those of training and of the registry
 */
export async function trainAndPublish(deps: PublishDeps, request: PublishRequest): Promise<PublishResult> {
  const { name, config, files, report, seed, signal } = request;
  const sample = undivided(files.sample);
  const prefix = `final/${name}/`;
  const { sha256 } = await trainAndStore(deps, {
    name,
    purpose: "all",
    config,
    sample,
    sampleSha256: sampleHash(sample),
    seed,
    threads: request.threads,
    patience: null,
    prefix,
    existing: "resumeIfSame",
    signal,
  });
  const champion = await deps.registry.champion();
  if (champion !== null) {
    const card = await deps.registry.card(champion.version);
    if (card.files["model.safetensors"].sha256 === sha256) return { card, champion };
  }
  const judged = report.models.find((model) => model.name === name) ?? null;
  const { dataset, generated, ratingsSha256 } = files.manifest;
  const card = await publishModel(deps.registry, {
    model: await deps.store.get(`${prefix}model.safetensors`),
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
      settings: asJson(config),
      seed,
      judged: judged && judgedMetrics(judged, report),
    } satisfies Omit<CardFacts, "cutOff">,
    metrics: asJson(judged),
  });
  return { card, champion: await deps.registry.promote(card.version) };
}

function judgedMetrics({ hrAt10, ndcgAt10, cases }: ReportModel, { models }: Report): JudgedMetrics | null {
  const popularity = models.find(({ name }) => name === popularityName);
  return popularity === undefined ? null : { hrAt10, ndcgAt10, cases, popularityHrAt10: popularity.hrAt10 };
}

function asJson(value: object | null): JsonValue {
  return JSON.parse(JSON.stringify(value));
}
