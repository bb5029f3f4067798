import kafkajs from "kafkajs";
import { describe, expect, it } from "vitest";
import { canPass, isTransient, requestFailed } from "../../../src/adapters/kafka/kafka-failures.ts";

/** What kafkajs throws for a broker's answer. */
const answered = (type: string, retriable: boolean) =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error("as the broker says"), { type, code: 0, retriable }));

/** What kafkajs throws of its own accord. */
const thrown = (name: string, message: string) => Object.assign(new Error(message), { name, retriable: false });

describe("a failed request to Kafka", () => {
  it("is repeated where the same request may succeed a moment later", () => {
    for (const error of [
      answered("NOT_LEADER_FOR_PARTITION", true),
      answered("CONCURRENT_TRANSACTIONS", false),
      answered("BROKER_NOT_AVAILABLE", false),
      answered("UNKNOWN", false),
      new kafkajs.KafkaJSConnectionError("Connection error: connect ECONNREFUSED"),
      thrown("KafkaJSGroupCoordinatorNotFound", "Failed to find group coordinator"),
      new Error("Broker not connected"),
    ]) {
      expect(isTransient(error), error.message).toBe(true);
      expect(requestFailed("store records", error)).toMatchObject({ code: "LOG_UNAVAILABLE", retriable: true });
    }
  });

  it("has work begun anew where brokers have lost track of a producer or a member", () => {
    for (const type of [
      "OUT_OF_ORDER_SEQUENCE_NUMBER",
      "UNKNOWN_PRODUCER_ID",
      "INVALID_TXN_STATE",
      "UNKNOWN_MEMBER_ID",
      "KAFKAJS_UNKNOWN_ERROR_CODE",
    ]) {
      const error = answered(type, false);
      expect(isTransient(error), type).toBe(false);
      expect(canPass(error), type).toBe(true);
      const failed = requestFailed("store records", error);
      expect(failed).toMatchObject({ code: "LOG_UNAVAILABLE", retriable: true });
      expect(failed.message).toContain("Begin anew at the committed offset");
    }
  });

  it("is a refusal where only a person can mend it", () => {
    for (const error of [
      answered("TOPIC_AUTHORIZATION_FAILED", false),
      answered("OPERATION_NOT_ATTEMPTED", false),
      answered("SASL_AUTHENTICATION_FAILED", false),
      answered("UNSUPPORTED_VERSION", false),
      answered("MESSAGE_TOO_LARGE", false),
      thrown("KafkaJSSASLAuthenticationError", "SASL PLAIN authentication failed"),
      new kafkajs.KafkaJSConnectionError("Connection error: self-signed certificate", {
        code: "DEPTH_ZERO_SELF_SIGNED_CERT",
      }),
      new TypeError("undefined is not a function"),
    ]) {
      expect(canPass(error), error.message).toBe(false);
      expect(requestFailed("store records", error)).toMatchObject({ code: "LOG_REFUSED", retriable: false });
    }
  });
});
