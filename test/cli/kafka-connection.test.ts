import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type KafkaOptionValues, kafkaConnection, kafkaOptions } from "../../src/cli/kafka-connection.ts";

let folder: string;
const at = (name: string) => path.join(folder, name);
const pem = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUdWL6o6Ctvl2W47BGIyyfa6GnfT4wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjUxNTA0NTJaGA8yMTI2MTEwMTE1MDQ1
MlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEkx
4VpzEoU/8Bid7YSF+nhF66Y9f2Tx/00jzXzco7bwg48XaUen9TtSY9BI70I2nvTW
mXUlaht2FDv4D1YooQWjUzBRMB0GA1UdDgQWBBTqEXgqVtwCRY8XfCDr4YLWVqCd
RDAfBgNVHSMEGDAWgBTqEXgqVtwCRY8XfCDr4YLWVqCdRDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDC3iVkFfDBBjS6SIuyitdx2HC/dZzp/EJl
mFme4VtbaQIgXngjIMkWquZTWSSHdtmqY96E06QOMZ4WjaHMp5n0j7M=
-----END CERTIFICATE-----
`;
/** Its private key, which opens nothing. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5cTzsdpxtoyKmNkG
V0/QGSIAtuXVoJZdwWbLJIrRvAOhRANCAARJMeFacxKFP/AYne2Ehfp4ReumPX9k
8f9NI8183KO28IOPF2lHp/U7UmPQSO9CNp701pl1JWobdhQ7+A9WKKEF
-----END PRIVATE KEY-----
`;
const otherKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3ywKDokeu0cfiLWb
YUyK/08LK3lDBnXszolimsopJUKhRANCAAQL3qv5SqtqtQlGGZW0rZHs45umAbgW
pe4dOWLuE8Rv8yDLBuw0J2jy2Olz+bXEaA7yE3jm8hP9rNbt8fOl+E9r
-----END PRIVATE KEY-----
`;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "ncf-kafka-options-"));
  await writeFile(at("ca.pem"), pem);
  await writeFile(at("key.pem"), key);
  await writeFile(at("other-key.pem"), otherKey);
  await writeFile(at("store.jks"), Uint8Array.of(0xfe, 0xed));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

function parsed(...words: string[]): KafkaOptionValues {
  const command = new Command("x").exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of kafkaOptions()) command.addOption(option);
  return command.parse(words, { from: "user" }).opts();
}

const connection = (...words: string[]) => kafkaConnection(parsed("--brokers", "a:1", ...words));

describe("Kafka's options", () => {
  it("name brokers, and nothing else is needed", () => {
    expect(kafkaConnection(parsed("--brokers", "a:9092, b.example:9093,a:9092"))).toEqual({
      brokers: ["a:9092", "b.example:9093"],
    });
  });

  it.each(["a", "a:", ":1", "a:0", "a:65536", "a:1,,b:1", "http://a:1", "a:1:2", ""])(
    "refuse the brokers %j",
    (text) => {
      expect(() => parsed("--brokers", text)).toThrow(/Expected HOST:PORT/);
    },
  );

  it("come from the environment, too, and the command line goes first", () => {
    vi.stubEnv("NCF_KAFKA_BROKERS", "a:1");
    vi.stubEnv("NCF_KAFKA_SASL", "scram-sha-512");
    vi.stubEnv("NCF_KAFKA_SASL_USER", "ncf");
    vi.stubEnv("NCF_KAFKA_SASL_PASSWORD", "secret");
    vi.stubEnv("NCF_KAFKA_TLS", "1");
    vi.stubEnv("NCF_KAFKA_CLIENT_ID", "me");
    expect(kafkaConnection(parsed("--brokers", "b:2"))).toEqual({
      brokers: ["b:2"],
      clientId: "me",
      ssl: {},
      sasl: { mechanism: "scram-sha-512", username: "ncf", password: "secret" },
    });
  });

  it("take certificates, each of which turns TLS on", () => {
    const { ssl } = connection("--tls-ca", at("ca.pem"), "--tls-cert", at("ca.pem"), "--tls-key", at("key.pem"));
    expect(ssl).toEqual({ ca: [pem], cert: pem, key });
    expect(connection("--tls").ssl).toEqual({});
  });

  it("say what is missing or does not go together", () => {
    expect(() => kafkaConnection({})).toThrow(/expected --brokers.*NCF_KAFKA_BROKERS/);
    expect(() => connection("--sasl-user", "ncf")).toThrow(/found --sasl-user alone. Add --sasl plain/);
    expect(() => connection("--sasl", "plain")).toThrow(/found --sasl alone. Add --sasl-user/);
    expect(() => connection("--sasl", "plain", "--sasl-user", "ncf")).toThrow(
      /password of ncf.*NCF_KAFKA_SASL_PASSWORD/,
    );
    expect(() => parsed("--sasl", "gssapi")).toThrow(/Allowed choices are plain/);
    expect(() => connection("--tls-cert", at("ca.pem"))).toThrow(/Add --tls-key/);
    expect(() => connection("--tls-key", at("ca.pem"))).toThrow(/Add --tls-cert/);
    expect(() => connection("--tls-ca", at("none.pem"))).toThrow(/none.pem, but it cannot be read \(ENOENT\)/);
    expect(() => connection("--tls-ca", at("store.jks"))).toThrow(/expected a PEM file/);
    for (const file of ["other-key.pem", "ca.pem"]) {
      expect(() => connection("--tls-cert", at("ca.pem"), "--tls-key", at(file))).toThrow(
        /expected certificates in --tls-ca .* private key of --tls-cert, found something else/,
      );
    }
    vi.stubEnv("NCF_KAFKA_TLS", "false");
    expect(() => connection()).toThrow(/NCF_KAFKA_TLS to be 1 or not there, found "false"/);
  });
});
