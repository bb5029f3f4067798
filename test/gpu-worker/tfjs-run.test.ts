import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { chooseBackend } from "../../gpu-worker/backend-choice.ts";
import { networkOf } from "../../src/app/fitted-model.ts";
import { readPublished } from "../../src/app/published-model.ts";
import { NcfError } from "../../src/core/errors.ts";
import type { NumericBackend } from "../../src/ncf/backend.ts";
import { sigmoid } from "../../src/ncf/reference/layers.ts";
import { createScorer } from "../../src/ncf/wasm/scorer.ts";
import { trainJob, type World, workerWorld } from "../app/worker/worker-world.ts";
import { describeWithTensorFlow } from "./tensorflow.ts";

interface Curve {
  readonly curve: readonly { readonly step: number; readonly loss: number }[];
  readonly backend: string;
}

describeWithTensorFlow("a run on TensorFlow.js", (tf) => {
  const choice = () => chooseBackend("tfjs", { askGpu: async () => null, loadTensorFlow: () => tf, log: () => {} });
  const trained = (world: World) => world.json("runs/run-1/final/mf/training.json") as Promise<Curve>;

  it("publishes a model that wasm serves, and exports it as a LayersModel with the same scores", async () => {
    const world = await workerWorld();
    await world.queue.send(JSON.stringify(trainJob));
    await world.work("w1", {}, await choice());
    const published = await readPublished(world.registry, (await world.registry.list())[0]);
    const model = networkOf(published.model, "exported");
    expect((await trained(world)).backend).toBe("tfjs");

    const folder = await mkdtemp(path.join(tmpdir(), "ncf-export-"));
    for (const name of ["model.json", "weights.bin"]) {
      await writeFile(path.join(folder, name), await world.store.get(`runs/run-1/export/${name}`));
    }
    const layers = await tf.loadLayersModel(`file://${folder}/model.json`);
    await rm(folder, { recursive: true });
    const items = Int32Array.from(model.itemRows.keys());
    const served = new Float64Array(items.length);
    createScorer(model).score(3, items, served);
    const column = (rows: Int32Array) => tf.tensor(rows, [rows.length, 1], "int32");
    const found = await layers.predict([column(items.map(() => model.userRows[3])), column(model.itemRows)]).data();
    served.forEach((logit, item) => {
      expect(Math.abs(found[item] - sigmoid(logit)), `item ${item}`).toBeLessThan(1e-5);
    });
  });

  it("goes on with the same epoch and order of data after an interruption: the same losses, up to rounding", async () => {
    const whole = await workerWorld();
    await whole.queue.send(JSON.stringify(trainJob));
    await whole.work("w0", {}, await choice());

    const world = await workerWorld();
    await world.queue.send(JSON.stringify(trainJob));
    const stop = new AbortController();
    const { backendFor, exportModel } = await choice();
    const stopping = (backend: NumericBackend): NumericBackend => ({
      ...backend,
      async open(config, data, options) {
        const session = await backend.open(config, data, options);
        const run = session.run.bind(session);
        session.run = (count) => {
          if (session.step >= 20) stop.abort(new NcfError("INTERRUPTED", "the spot instance is taken away"));
          return run(count);
        };
        return session;
      },
    });
    const interrupted = { backendFor: (config: { batchSize: number }) => stopping(backendFor(config)), exportModel };
    expect(await world.work("w1", { signal: stop.signal }, interrupted)).toMatchObject({ jobs: { handedOn: 1 } });
    await world.work("w2", {}, await choice());
    expect(world.log.join("\n")).toMatch(/mf: going on from step \d+/);
    const [found, expected] = [await trained(world), await trained(whole)];
    expect(found.curve.map(({ step }) => step)).toEqual(expected.curve.map(({ step }) => step));
    found.curve.forEach(({ loss }, i) => {
      expect(Math.abs(loss / expected.curve[i].loss - 1)).toBeLessThan(1e-5);
    });
  });
});
