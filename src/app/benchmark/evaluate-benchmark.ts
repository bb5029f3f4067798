/** The use case of `ncf evaluate --train`: models trained on the NCF benchmark's files and judged on its candidates. */
import { byTrainingHistory } from "../../core/by-history.ts";
import type { Recommender } from "../../core/recommender.ts";
import type { Sample } from "../../core/sample.ts";
import { type NcfConfig, presetNamed } from "../../ncf/config.ts";
import { defaultJudgeOptions, type JudgeOptions, type JudgeResult, judgeModels, type RankedCase } from "../judge.ts";
import { baselineKindNamed } from "../../baselines/kinds.ts";
import { sampleHash } from "../sample.ts";
import { type TrainDeps, trainAndStore } from "../train-model.ts";
import { type BenchmarkFacts, type BenchmarkSources, readBenchmark } from "./benchmark-split.ts";

export interface BenchmarkRequest {
  readonly sources: BenchmarkSources;
  /** Names of presets and baselines. */
  readonly models: readonly string[];
  /** Settings that replace every preset's own. */
  readonly changes: Partial<Pick<NcfConfig, "epochs" | "ids">>;
  readonly judge: Partial<Pick<JudgeOptions, "fullCatalogueUsers">>;
  readonly seed: number;
  readonly threads: number;
  readonly onCase?: ((ranked: RankedCase, sample: Sample) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BenchmarkResult extends JudgeResult {
  readonly benchmark: BenchmarkFacts;
}

/** @throws NcfError those of `readBenchmark`, of training and of judging */
export async function evaluateBenchmark(deps: TrainDeps, request: BenchmarkRequest): Promise<BenchmarkResult> {
  const { sample, candidatesOf, facts } = await readBenchmark(request.sources);
  const { onCase, signal, seed } = request;
  const models: Recommender[] = [];
  for (const name of request.models) {
    signal?.throwIfAborted();
    models.push(await fitted(deps, request, name, sample));
  }
  const judged = await judgeModels(
    models,
    sample,
    { ...defaultJudgeOptions, ...request.judge, seed },
    {
      progress: deps.progress,
      signal,
      ...(onCase && { onCase: (ranked: RankedCase) => onCase(ranked, sample) }),
    },
    { candidatesOf },
  );
  return { benchmark: facts, ...judged };
}

async function fitted(deps: TrainDeps, request: BenchmarkRequest, name: string, sample: Sample): Promise<Recommender> {
  const { seed, threads, signal } = request;
  const kind = baselineKindNamed(name);
  if (kind !== null) {
    // The files say nothing of their items.
    const attributes = Array.from(sample.itemIds, () => []);
    const task = deps.progress.start(`Fitting ${name}`, 1);
    const onProgress = (share: number): void => task.update(share);
    const model = await kind.fit({ sample, attributes }, kind.defaults, { signal, onProgress });
    task.end();
    return byTrainingHistory(model, sample);
  }
  const { model } = await trainAndStore(deps, {
    name,
    config: { ...presetNamed(name), ...request.changes },
    sample,
    sampleSha256: sampleHash(sample),
    seed,
    threads,
    patience: null,
    prefix: `models/${name}/`,
    existing: "resumeIfSame",
    signal,
  });
  return deps.createScorer(model);
}
