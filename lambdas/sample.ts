/** New data sets → samples, and requests to train on them. */
import { type SampleDatasetDeps, sampleDataset } from "../src/app/uploads/sample-dataset.ts";
import type { TrainingOptions } from "../src/app/uploads/training-options.ts";
import { datasetOfRecord } from "../src/app/uploads/upload-keys.ts";
import { type Observer, observed } from "./observability.ts";
import { objectKeys } from "./s3-event.ts";

export interface SampleDeps extends SampleDatasetDeps {
  readonly options: TrainingOptions;
  readonly observer: Observer;
}

const eventOf = { requested: "trainingRequested", known: "trainingKnown", refused: "datasetRefused" } as const;

export function createHandler({ options, observer, ...deps }: SampleDeps) {
  return observed(observer, async (event: unknown) => {
    for (const key of objectKeys(event)) {
      const datasetId = datasetOfRecord(key);
      if (datasetId === null) continue;
      const { kind, ...facts } = await sampleDataset(deps, datasetId, options);
      observer.log(eventOf[kind], { datasetId, ...facts });
    }
  });
}
