/** The use case of `ncf evaluate --train`: models trained on the NCF benchmark's files and judged on its candidates. */

import type { Recommender } from "../../core/recommender.ts";
import type { Sample } from "../../core/sample.ts";
import type { NcfConfig } from "../../ncf/config.ts";
import { fitAndStore, planNamed } from "../fit-model.ts";
import { recommenderOf } from "../fitted-model.ts";
import { defaultJudgeOptions, type JudgeOptions, type JudgeResult, judgeModels, type RankedCase } from "../judge.ts";
import { sampleHash } from "../sample.ts";
import type { TrainDeps } from "../train-model.ts";
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
      monotonicMs: deps.monotonicMs,
      ...(onCase && { onCase: (ranked: RankedCase) => onCase(ranked, sample) }),
    },
    { candidatesOf },
  );
  return { benchmark: facts, ...judged };
}

async function fitted(deps: TrainDeps, request: BenchmarkRequest, name: string, sample: Sample): Promise<Recommender> {
  const { changes, seed, threads, signal } = request;
  const { model } = await fitAndStore(deps, {
    plan: planNamed(name, changes),
    sample,
    // The files say nothing of their items.
    items: [],
    sampleSha256: sampleHash(sample),
    seed,
    threads,
    prefix: `models/${name}/`,
    existing: "resumeIfSame",
    signal,
  });
  return recommenderOf(deps.createScorer, model, sample);
}
