/** What every numeric backend must do, whatever its speed: the same suite for `reference`, `wasm` and `tfjs`. */
import { describe, expect, it } from "vitest";
import type { NumericBackend, TrainingSession } from "../../src/ncf/backend.ts";
import type { Tensor, TensorMap } from "../../src/ncf/parameters.ts";
import { type GoldenCase, goldenCases } from "./golden-fixture.ts";

export interface BackendExpectations {
  /** Greatest relative error of a loss against PyTorch at the case's last step. */
  readonly lossTolerance: number;
  /** Greatest absolute error of a trained value against PyTorch after the last step. */
  readonly valueTolerance: number;
  readonly threads?: number;
}

export function testNumericBackend(title: string, backend: NumericBackend, expectations: BackendExpectations): void {
  const open = (golden: GoldenCase): Promise<TrainingSession> =>
    backend.open(golden.config, golden.data, { seed: golden.seed, threads: expectations.threads ?? 1 });
  const cases = goldenCases();

  describe(`${title}: numeric backend`, () => {
    for (const golden of cases) {
      it(`starts ${golden.name} from PyTorch's initial values`, async () => {
        const session = await open(golden);
        for (const [name, tensor] of session.model()) {
          const expected = golden.initial.get(name);
          if (expected !== undefined) expect(greatestError(tensor.data, expected.data), name).toBe(0);
        }
        await session.close();
      });

      it(`follows PyTorch's losses and weights on ${golden.name}`, async () => {
        const session = await open(golden);
        const losses = await runSteps(session, golden.losses.length);
        losses.forEach((loss, step) => {
          const error = Math.abs(loss / golden.losses[step] - 1);
          expect(error, `loss of step ${step + 1}`).toBeLessThan(expectations.lossTolerance);
        });
        const model = session.model();
        for (const [name, expected] of golden.final) {
          expect(greatestError(model.get(name)?.data, expected.data), name).toBeLessThan(expectations.valueTolerance);
        }
        await session.close();
      });
    }

    it("continues from a restored state as if it had not stopped", async () => {
      const [golden] = cases;
      const whole = await open(golden);
      const losses = await runSteps(whole, 20);
      const first = await open(golden);
      await runSteps(first, 7);
      const state = first.state();
      await first.close();
      const second = await open(golden);
      second.restore(state);
      expect(second.step).toBe(7);
      expect(await runSteps(second, 13)).toEqual(losses.slice(7));
      expect(sameBytes(second.state().tensors, whole.state().tensors)).toBe(true);
      await whole.close();
      await second.close();
    });

    it("starts from values that it is given, with moments of zero", async () => {
      const [golden] = cases;
      const trained = await open(golden);
      await runSteps(trained, 7);
      const start = trained.model();
      await trained.close();
      const session = await backend.open(golden.config, golden.data, { seed: golden.seed, threads: 1, start });
      expect(session.step).toBe(0);
      expect(sameBytes(session.model(), start)).toBe(true);
      for (const [name, { data }] of session.state().tensors) {
        if (name.startsWith("adam.")) expect(data.every((value) => value === 0)).toBe(true);
      }
      await session.close();
      const options = { seed: golden.seed, threads: 1, start: new Map() };
      await expect(backend.open(golden.config, golden.data, options)).rejects.toThrow(/expected/);
    });

    it("refuses a state of another shape", async () => {
      const [golden, other] = cases;
      const session = await open(golden);
      const foreign = await open(other);
      expect(() => session.restore({ ...foreign.state(), tensors: new Map() })).toThrow();
      await session.close();
      await foreign.close();
    });
  });
}

/** Runs over epochs' ends, which one call to `run` must not cross. */
export async function runSteps(session: TrainingSession, count: number): Promise<number[]> {
  const losses: number[] = [];
  while (losses.length < count) {
    const left = session.stepsPerEpoch - (session.step % session.stepsPerEpoch);
    losses.push(...(await session.run(Math.min(left, count - losses.length))));
  }
  return losses;
}

/** Whether two sets of tensors have the same names, sizes and bits. */
export function sameBytes(a: TensorMap, b: TensorMap): boolean {
  const bytes = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return a.size === b.size && [...a].every(([name, tensor]) => bytes(tensor).equals(bytes(b.get(name) ?? emptyTensor)));
}

const emptyTensor: Tensor = { shape: [0], data: new Float32Array(0) };

function greatestError(found: Float32Array | undefined, expected: Float32Array): number {
  if (found?.length !== expected.length) return Number.POSITIVE_INFINITY;
  return expected.reduce((greatest, value, i) => Math.max(greatest, Math.abs(found[i] - value)), 0);
}
