/** What every worker launcher must do. */
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LaunchOutcome, LaunchRequest, WorkerLauncher } from "../../src/ports/worker-launcher.ts";

export interface WorkerLauncherUnderTest {
  /** Of a deployment without workers, where m5.large and c5.xlarge are known. */
  readonly launcher: WorkerLauncher;
  /** Another one of the same deployment. */
  readonly second: WorkerLauncher;
  /** Of another deployment. */
  readonly stranger: WorkerLauncher;
  /** The worker has ended. */
  readonly end: (instanceId: string) => Promise<void>;
  /** What the next machines that are asked for are refused with, one after the other. */
  readonly refuse: (refusals: readonly ("shortage" | "quota")[]) => void;
  readonly close?: () => Promise<void>;
}

/** @param racesOfOneLaunch whether two calls of the same moment for one launch start one worker; emulators may start two */
export function testWorkerLauncher(
  title: string,
  make: () => Promise<WorkerLauncherUnderTest>,
  { racesOfOneLaunch }: { racesOfOneLaunch: "one" | "perhaps two" },
): void {
  describe(`${title}: worker launcher`, () => {
    let launcher: WorkerLauncher;
    let second: WorkerLauncher;
    let stranger: WorkerLauncher;
    let end: (instanceId: string) => Promise<void>;
    let refuse: (refusals: readonly ("shortage" | "quota")[]) => void;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ launcher, second, stranger, end, refuse, close } = await make());
    });
    afterEach(() => close?.());

    const request = (changes: Partial<LaunchRequest> = {}): LaunchRequest => ({
      launchId: `launch-${randomUUID()}`,
      instanceTypes: ["m5.large", "c5.xlarge"],
      market: "spot",
      backend: "auto",
      ...changes,
    });
    const workerOf = (outcome: LaunchOutcome) => {
      expect(outcome.kind).toBe("launched");
      return outcome.kind === "launched" ? outcome.worker : expect.fail();
    };

    it.each(["spot", "onDemand"] as const)("starts a worker of the first type, %s, and counts it", async (market) => {
      expect(await launcher.running()).toEqual([]);
      const worker = workerOf(await launcher.launch(request({ market })));
      expect(worker).toMatchObject({ instanceType: "m5.large", market });
      expect(worker.instanceId).not.toBe("");
      expect(await launcher.running()).toEqual([worker]);
      expect(await second.running()).toEqual([worker]);
      expect(await stranger.running()).toEqual([]);
    });

    it("starts one worker for a launch that is asked for twice, and another for another launch", async () => {
      const once = request();
      const worker = workerOf(await launcher.launch(once));
      expect(workerOf(await second.launch(once))).toEqual(worker);
      const other = workerOf(await launcher.launch(request()));
      expect(other.instanceId).not.toBe(worker.instanceId);
      expect(await launcher.running()).toHaveLength(2);
    });

    it.skipIf(racesOfOneLaunch !== "one")("starts one worker for one launch, also in a race", async () => {
      const once = request();
      const outcomes = await Promise.all([launcher, second, launcher, second].map((one) => one.launch(once)));
      expect(new Set(outcomes.map((outcome) => workerOf(outcome).instanceId)).size).toBe(1);
      expect(await launcher.running()).toHaveLength(1);
    });

    it("counts a worker no more that has ended, and starts another one in its place", async () => {
      const { instanceId } = workerOf(await launcher.launch(request()));
      await end(instanceId);
      expect(await launcher.running()).toEqual([]);
      expect(workerOf(await launcher.launch(request())).instanceId).not.toBe(instanceId);
    });

    it("takes the next type where the first is short or refused, also after an answer of that kind before", async () => {
      refuse(["shortage"]);
      expect(workerOf(await launcher.launch(request()))).toMatchObject({ instanceType: "c5.xlarge" });
      refuse(["quota"]);
      expect(workerOf(await launcher.launch(request()))).toMatchObject({ instanceType: "c5.xlarge" });
    });

    it("says that all types are short, and starts one when asked for the same launch later", async () => {
      const once = request();
      refuse(["shortage", "shortage"]);
      expect(await launcher.launch(once)).toEqual({ kind: "shortage", reason: expect.stringContaining("m5.large") });
      expect(await launcher.running()).toEqual([]);
      expect(workerOf(await launcher.launch(once))).toMatchObject({ instanceType: "m5.large" });
    });

    it("says that the account may not have them, and what to do", async () => {
      refuse(["quota", "quota"]);
      const outcome = await launcher.launch(request());
      expect(outcome).toMatchObject({ kind: "quota", reason: expect.stringContaining("m5.large") });
      expect(outcome.kind === "quota" && outcome.quotaCode).not.toBe("");
      expect(outcome.kind === "quota" && outcome.advice).not.toBe("");
      expect(await launcher.running()).toEqual([]);
    });

    it("says that waiting may help where it may help for one type", async () => {
      refuse(["quota", "shortage"]);
      expect(await launcher.launch(request())).toMatchObject({ kind: "shortage" });
    });

    it.each([
      ["no types", { instanceTypes: [] }],
      ["a launch's id with a blank", { launchId: "a b" }],
      ["an empty launch's id", { launchId: "" }],
      ["a long launch's id", { launchId: "x".repeat(129) }],
    ])("refuses %s", async (_what, changes) => {
      await expect(launcher.launch(request(changes))).rejects.toMatchObject({ code: "LAUNCH_INVALID" });
    });
  });
}
