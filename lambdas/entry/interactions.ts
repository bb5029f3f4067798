import packageJson from "../../package.json" with { type: "json" };
import { KafkaInteractionLog } from "../../src/adapters/kafka/kafka-interaction-log.ts";
import { InteractionIntake } from "../../src/app/serving/accepted-interactions.ts";
import { environment } from "../environment.ts";
import { createHandler } from "../interactions.ts";
import { kafkaLogin } from "../kafka-secret.ts";
import { observer } from "../observability.ts";

const settings = environment(["NCF_KAFKA_BROKERS", "NCF_KAFKA_SECRET_ARN", "NCF_KAFKA_TLS", "NCF_TOPIC_INTERACTIONS"]);
const { NCF_KAFKA_BROKERS: brokers, NCF_KAFKA_SECRET_ARN: secret, NCF_KAFKA_TLS: tls } = settings;
const watched = observer();

const intake = new InteractionIntake({
  // The secret anew with each log: it may have been rotated.
  openLog: async () =>
    KafkaInteractionLog.open({
      brokers,
      ...((tls ?? (secret === undefined ? "0" : "1")) === "1" && { ssl: true }),
      ...(secret !== undefined && { sasl: await kafkaLogin(secret) }),
      clientId: "ncf-interactions",
      retryMs: 5_000,
    }),
  topic: settings.NCF_TOPIC_INTERACTIONS,
  // Callers wait for 29 seconds at most, and a sender would rather try again.
  answerWithinMs: 10_000,
  onError: watched.error,
});

export const handler = createHandler({ intake, version: packageJson.version, observer: watched });
