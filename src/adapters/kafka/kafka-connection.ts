/** How brokers are reached, and kafkajs' settings for that. */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import kafkajs, { type ISocketFactory, type KafkaConfig } from "kafkajs";

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

const keepAliveMs = 60_000;

/**
 * The sockets of a client, to be closed with it: kafkajs forgets one that it opens while it gives the broker up, and the process
 * would never end.
 */
export class KafkaSockets {
  readonly #open = new Set<Socket>();
  #destroyed = false;

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    // A server is told by name which of its certificates to show, but an address is no name.
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = ssl
      ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    // One for each request that waits for the connection.
    socket.setMaxListeners(0);
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    // Whoever still connects is on the way to give up, too.
    if (this.#destroyed) socket.destroy();
    return socket;
  };

  destroy(): void {
    this.#destroyed = true;
    for (const socket of this.#open) socket.destroy();
  }
}

export function kafkaConfig(
  { brokers, ssl, sasl, clientId = "ncf-stream", onLog }: KafkaConnection,
  sockets: KafkaSockets,
): KafkaConfig {
  const { logLevel } = kafkajs;
  const levels = { [logLevel.ERROR]: "error", [logLevel.WARN]: "warn", [logLevel.INFO]: "info" } as const;
  return {
    brokers: [...brokers],
    clientId,
    socketFactory: sockets.factory,
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
