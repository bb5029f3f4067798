/** The options of every command that talks to Kafka, and the connection that they describe. */
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { InvalidArgumentError, Option } from "commander";
import type { KafkaConnection } from "../adapters/kafka/kafka-connection.ts";
import { NcfError } from "../core/errors.ts";

const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

/** Not an option: other users of a machine can read a command line. */
const passwordVariable = "NCF_KAFKA_SASL_PASSWORD";
const tlsVariable = "NCF_KAFKA_TLS";

export interface KafkaOptionValues {
  readonly brokers?: string[];
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly sasl?: (typeof mechanisms)[number];
  readonly saslUser?: string;
  readonly clientId?: string;
}

/** Each can also be given by environment, and --help says under which name. */
export const kafkaOptions = () => [
  new Option("--brokers <list>", "Kafka brokers, HOST:PORT with commas between; some suffice, they name the others")
    .argParser(brokerList)
    .env("NCF_KAFKA_BROKERS"),
  new Option("--tls", "encrypt the connection to the brokers; by environment, 1 turns it on").env(tlsVariable),
  new Option("--tls-ca <file>", "certificate of the authority that signed the brokers' (PEM; default: the system's)")
    .env("NCF_KAFKA_TLS_CA")
    .implies({ tls: true }),
  new Option("--tls-cert <file>", "certificate by which the brokers know this client (PEM), with --tls-key")
    .env("NCF_KAFKA_TLS_CERT")
    .implies({ tls: true }),
  new Option("--tls-key <file>", "private key of --tls-cert (PEM)").env("NCF_KAFKA_TLS_KEY").implies({ tls: true }),
  new Option("--sasl <mechanism>", `log in with --sasl-user and the password in the environment, ${passwordVariable}`)
    .choices([...mechanisms])
    .env("NCF_KAFKA_SASL"),
  new Option("--sasl-user <name>", "user to log in as").env("NCF_KAFKA_SASL_USER"),
  new Option("--client-id <name>", "name of this client in the brokers' logs and quotas (default: ncf-stream)").env(
    "NCF_KAFKA_CLIENT_ID",
  ),
];

function brokerList(text: string): string[] {
  const brokers = text.split(",").map((broker) => broker.trim());
  const isAddress = (broker: string): boolean => {
    const [, port] = /^[^\s:/]+:(\d{1,5})$/.exec(broker) ?? [];
    return Number(port) >= 1 && Number(port) <= 65_535;
  };
  if (brokers.every(isAddress)) return [...new Set(brokers)];
  throw new InvalidArgumentError("Expected HOST:PORT with commas between, such as broker-1:9092,broker-2:9092.");
}

/** @throws NcfError `USAGE` for what is missing, does not go together or cannot be read */
export function kafkaConnection(
  values: KafkaOptionValues,
  env: Readonly<Record<string, string | undefined>> = process.env,
): KafkaConnection {
  const { brokers, clientId } = values;
  if (brokers === undefined) {
    throw new NcfError("USAGE", "expected --brokers HOST:PORT,... or NCF_KAFKA_BROKERS, found neither");
  }
  const ssl = tlsOf(values, env);
  const sasl = saslOf(values, env);
  return {
    brokers,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(clientId === undefined ? {} : { clientId }),
  };
}

/** The options that give this connection, as words of a command line. */
export function kafkaWords(values: KafkaOptionValues): string[] {
  const { brokers = [], tls, tlsCa, tlsCert, tlsKey, sasl, saslUser, clientId } = values;
  const named = {
    "tls-ca": tlsCa,
    "tls-cert": tlsCert,
    "tls-key": tlsKey,
    sasl,
    "sasl-user": saslUser,
    "client-id": clientId,
  };
  const given = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  return ["--brokers", brokers.join(","), ...(tls === true ? ["--tls"] : []), ...given];
}

function tlsOf(
  { tls, tlsCa, tlsCert, tlsKey }: KafkaOptionValues,
  env: Readonly<Record<string, string | undefined>>,
): KafkaConnection["ssl"] {
  // Commander takes any value of a flag's variable for a yes.
  const asked = env[tlsVariable];
  if (asked !== undefined && !["1", "true"].includes(asked)) {
    throw new NcfError("USAGE", `expected ${tlsVariable} to be 1 or not there, found "${asked}"`);
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [there, missing] = tlsKey === undefined ? ["--tls-cert", "--tls-key"] : ["--tls-key", "--tls-cert"];
    throw new NcfError("USAGE", `expected --tls-cert and --tls-key together, found ${there} alone. Add ${missing}`);
  }
  if (tls !== true) return undefined;
  const given = {
    ...(tlsCa === undefined ? {} : { ca: [pemFile("--tls-ca", tlsCa)] }),
    ...(tlsCert === undefined ? {} : { cert: pemFile("--tls-cert", tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: pemFile("--tls-key", tlsKey) }),
  };
  try {
    createSecureContext(given);
  } catch (cause) {
    const { message } = cause as Error;
    throw new NcfError(
      "USAGE",
      "expected certificates in --tls-ca and --tls-cert, and in --tls-key the unencrypted private key of --tls-cert, found " +
        `something else (${message}). openssl x509 -in FILE -text shows what a file holds`,
      { cause },
    );
  }
  return given;
}

function pemFile(option: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const { code = String(cause) } = cause as { code?: string };
    throw new NcfError("USAGE", `${option}: expected a PEM file at ${file}, but it cannot be read (${code})`, {
      cause,
    });
  }
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw new NcfError(
    "USAGE",
    `${option}: expected a PEM file, with a line -----BEGIN ...-----, found none in ${file}. ` +
      "Turn a Java key store into PEM with keytool and openssl pkcs12",
  );
}

function saslOf(
  { sasl: mechanism, saslUser: username }: KafkaOptionValues,
  env: Readonly<Record<string, string | undefined>>,
): KafkaConnection["sasl"] {
  if ((mechanism === undefined) !== (username === undefined)) {
    const [there, missing] = username === undefined ? ["--sasl", "--sasl-user NAME"] : ["--sasl-user", "--sasl plain"];
    throw new NcfError("USAGE", `expected --sasl and --sasl-user together, found ${there} alone. Add ${missing}`);
  }
  if (mechanism === undefined || username === undefined) return undefined;
  const password = env[passwordVariable] ?? "";
  if (password === "") {
    throw new NcfError(
      "USAGE",
      `expected the password of ${username} in the environment as ${passwordVariable}, found nothing there`,
    );
  }
  // One of the three, which kafkajs' type wants to see one by one.
  return { mechanism, username, password } as NonNullable<KafkaConnection["sasl"]>;
}
