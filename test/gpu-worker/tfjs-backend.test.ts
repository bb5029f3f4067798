import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { layersModel, layersModelFiles } from "../../gpu-worker/tfjs/layers-model.ts";
import { tfjsBackend } from "../../gpu-worker/tfjs/tfjs-backend.ts";
import { sigmoid } from "../../src/ncf/reference/layers.ts";
import { ReferenceScorer } from "../../src/ncf/reference/scorer.ts";
import { type GoldenCase, goldenCases } from "../conformance/golden-fixture.ts";
import { runSteps, testNumericBackend } from "../conformance/numeric-backend.ts";
import { describeWithTensorFlow } from "./tensorflow.ts";

describeWithTensorFlow("TensorFlow.js", (tf) => {
  const backend = tfjsBackend(tf);
  testNumericBackend("tfjs", backend, { lossTolerance: 1e-5, valueTolerance: 2e-5 });

  it("frees all tensors of a session that is closed, or that could not start", async () => {
    const [{ config, data, seed }] = goldenCases();
    const before = tf.memory().numTensors;
    const session = await backend.open(config, data, { seed, threads: 1 });
    await session.run(2);
    session.restore(session.state());
    await session.close();
    await expect(backend.open(config, data, { seed, threads: 1, start: new Map() })).rejects.toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("refuses to run past the end of an epoch", async () => {
    const [{ config, data, seed }] = goldenCases();
    const session = await backend.open(config, data, { seed, threads: 1 });
    await expect(session.run(session.stepsPerEpoch + 1)).rejects.toMatchObject({ code: "STEPS_INVALID" });
    await session.close();
  });

  for (const golden of goldenCases()) {
    it(`saves ${golden.name} as a LayersModel that gives the same scores when loaded again`, async () => {
      const { config, data } = golden;
      const model = { name: golden.name, config, tensors: await trained(golden), ...data };
      const pairs = Array.from({ length: 40 }, (_, i) => ({ user: i % data.users, item: (7 * i) % data.items }));
      const column = (rows: number[]) => tf.tensor(Int32Array.from(rows), [rows.length, 1], "int32");
      const inputs = [
        column(pairs.map(({ user }) => data.userRows[user])),
        column(pairs.map(({ item }) => data.itemRows[item])),
      ];
      const folder = await mkdtemp(path.join(tmpdir(), "ncf-layers-model-"));
      for (const [name, bytes] of await layersModelFiles(tf, model)) await writeFile(path.join(folder, name), bytes);
      const direct = layersModel(tf, model);
      await direct.save(`file://${folder}/saved`);

      const scorer = new ReferenceScorer(model);
      const expected = pairs.map(({ user, item }) => {
        const score = new Float64Array(1);
        scorer.score(user, Int32Array.of(item), score);
        return sigmoid(score[0]);
      });
      for (const place of [folder, `${folder}/saved`]) {
        const loaded = await tf.loadLayersModel(`file://${place}/model.json`);
        const found = await loaded.predict(inputs).data();
        expected.forEach((score, i) => {
          expect(Math.abs(found[i] - score), `pair ${i}`).toBeLessThan(1e-5);
        });
        loaded.dispose();
      }
      await rm(folder, { recursive: true });
    });
  }

  async function trained({ config, data, seed }: GoldenCase) {
    const session = await backend.open(config, data, { seed, threads: 1 });
    await runSteps(session, session.stepsPerEpoch);
    const tensors = session.model();
    await session.close();
    return tensors;
  }
});
