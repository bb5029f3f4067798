import { describe, expect, it } from "vitest";
import { environment, isEmulated } from "../../lambdas/environment.ts";
import { parseLogin } from "../../lambdas/kafka-secret.ts";

describe("the environment", () => {
  it("gives lists, numbers and options, with defaults", () => {
    const names = ["NCF_SUBNET_IDS", "NCF_MAX_WORKERS", "NCF_SAMPLE_OPTIONS", "NCF_KAFKA_BROKERS"] as const;
    const settings = environment(names, {
      NCF_SUBNET_IDS: "",
      NCF_MAX_WORKERS: "2",
      NCF_SAMPLE_OPTIONS: '{"fraction":0.3,"preset":"paper"}',
      NCF_KAFKA_BROKERS: "a:9092, b:9092",
    });
    expect(settings).toMatchObject({
      NCF_SUBNET_IDS: [],
      NCF_MAX_WORKERS: 2,
      NCF_SAMPLE_OPTIONS: { fraction: 0.3, preset: "paper", seed: 1, tieRule: "firstInFile", promote: "always" },
      NCF_KAFKA_BROKERS: ["a:9092", "b:9092"],
    });
    expect(environment(["NCF_SAMPLE_OPTIONS"], {}).NCF_SAMPLE_OPTIONS).toMatchObject({ preset: "neumf", fraction: 1 });
  });

  it.each([
    ["NCF_BUCKET", ""],
    ["NCF_TRAINING_JOBS_URL", "queue"],
    ["NCF_MAX_UPLOAD_BYTES", "-1"],
    ["NCF_SAMPLE_OPTIONS", "{"],
    ["NCF_SAMPLE_OPTIONS", '{"fraktion":1}'],
    ["NCF_KAFKA_BROKERS", "broker"],
  ] as const)("names what is wrong with %s = %s", (name, value) => {
    expect(() => environment([name], { [name]: value })).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_INVALID", message: expect.stringContaining(name) }),
    );
  });

  it("knows an emulator by its endpoint", () => {
    expect([isEmulated({}), isEmulated({ AWS_ENDPOINT_URL: "http://127.0.0.1:4566" })]).toEqual([false, true]);
  });
});

describe("the brokers' secret", () => {
  it("is a mechanism with user and password, and is shown in no error", () => {
    const text = '{"mechanism":"scram-sha-512","username":"u","password":"hidden"}';
    expect(parseLogin(text, "arn")).toEqual({ mechanism: "scram-sha-512", username: "u", password: "hidden" });
    for (const wrong of ["hidden", '{"mechanism":"hidden","username":"u","password":"hidden"}']) {
      expect(() => parseLogin(wrong, "arn:secret")).toThrow(
        expect.objectContaining({ code: "SECRET_INVALID", message: expect.not.stringContaining("hidden") }),
      );
    }
  });
});
