/** How brokers are reached, and kafkajs' settings for that. */
import kafkajs, { type KafkaConfig } from "kafkajs";

export interface KafkaLogEntry {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface KafkaConnection extends Pick<KafkaConfig, "ssl" | "sasl" | "clientId"> {
  /** HOST:PORT of some brokers; these name the others. */
  readonly brokers: readonly string[];
  /** What kafkajs has to say; nothing is printed without it. */
  readonly onLog?: (entry: KafkaLogEntry) => void;
}

export function kafkaConfig({ brokers, ssl, sasl, clientId = "ncf-stream", onLog }: KafkaConnection): KafkaConfig {
  const { logLevel } = kafkajs;
  const levels = { [logLevel.ERROR]: "error", [logLevel.WARN]: "warn", [logLevel.INFO]: "info" } as const;
  return {
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    retry: { initialRetryTime: 50, retries: 3, maxRetryTime: 1000 },
    logLevel: onLog === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator:
      () =>
      ({ level, log: { message, ...details } }) => {
        // A broker's refusal is either expected and repeated, or thrown.
        if (message.startsWith("Response ")) return;
        onLog?.({ level: levels[level as keyof typeof levels] ?? "debug", message, details });
      },
  };
}
