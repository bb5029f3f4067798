/**
 * Passwords and certificates on a broker that asks for them, which the test starts itself where `NCF_KAFKA` says that Kafka can run
 * here. Who is turned away learns why within seconds: so long a service that is set up wrongly keeps its owner waiting.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KafkaInteractionLog } from "../../../src/adapters/kafka/kafka-interaction-log.ts";
import { ncf, type Outcome } from "../../cli/ncf.ts";
import { rightPassword, type SecureBroker, startSecureBroker, user } from "./secure-broker.ts";

const enabled = process.env.NCF_KAFKA !== undefined;
const topic = "shop";
const count = 200;

describe.skipIf(!enabled)(`Kafka with passwords and certificates${enabled ? "" : " (set NCF_KAFKA)"}`, () => {
  let folder: string;
  let secure: SecureBroker;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "ncf-secure-"));
    secure = await startSecureBroker(folder, 21_000 + 8 * (process.pid % 600));
    const log = await KafkaInteractionLog.open({ brokers: [secure.open] });
    await log.createTopic(topic, 1);
    const event = (i: number) => ({ userId: `u${i % 7}`, itemId: `${i}`, timestampMs: 1_700_000_000_000 + i });
    await log.append(
      topic,
      Array.from({ length: count }, (_, i) => ({
        key: event(i).userId,
        value: new TextEncoder().encode(JSON.stringify(event(i))),
      })),
    );
    await log.close();
  }, 120_000);
  afterAll(async () => {
    await secure.broker.remove();
    await rm(folder, { recursive: true, force: true });
  });

  function inspect(broker: string, words: readonly string[], password: string | null = null) {
    const env = password === null ? {} : { NCF_KAFKA_SASL_PASSWORD: password };
    return ncf(["stream", "inspect", "--brokers", broker, "--topic", topic, ...words], env);
  }

  const login = (mechanism: string) => ["--sasl", mechanism, "--sasl-user", user];
  const authority = () => ["--tls-ca", secure.pem.ca];
  const client = () => [...authority(), "--tls-cert", secure.pem.clientCert, "--tls-key", secure.pem.clientKey];

  describe.each(["plain", "scram-sha-256", "scram-sha-512"])("by %s", (mechanism) => {
    it("lets in who knows the password, in the clear and under TLS", async () => {
      const clear = await inspect(secure.password, login(mechanism), rightPassword);
      isInspected(clear);
      const underTls = await inspect(secure.passwordUnderTls, [...login(mechanism), ...authority()], rightPassword);
      isInspected(underTls);
    });

    it("turns away who does not, in one line", async () => {
      await isTurnedAway(
        () => inspect(secure.password, login(mechanism), "wrong"),
        /^ncf: .* refused: SASL .*authentication failed.*Check the mechanism, the user and the password[^\n]*\n$/,
      );
    });
  });

  it("lets in who shows a certificate of the authority's, and nobody else", async () => {
    const known = await inspect(secure.certificate, client());
    isInspected(known);
    const stranger = ["--tls-cert", secure.pem.strangerCert, "--tls-key", secure.pem.strangerKey];
    const refused = /^ncf: .* refused: .*certificate[^\n]*the client's own certificate\n$/;
    await isTurnedAway(() => inspect(secure.certificate, [...authority(), ...stranger]), refused);
    await isTurnedAway(() => inspect(secure.certificate, authority()), refused);
  });

  it("is not trusted when another authority signed its certificate", async () => {
    await isTurnedAway(
      () => inspect(secure.passwordUnderTls, [...login("plain"), "--tls-ca", secure.pem.strangerCert], rightPassword),
      /^ncf: .* refused: .*Check that the brokers' authority is the one given[^\n]*\n$/,
    );
  });

  it("says what may be missing where a port closes connections at once", async () => {
    const closes = /^ncf: .*A broker that closes connections at once wants TLS, or none, or a login[^\n]*\n$/;
    await isTurnedAway(() => inspect(secure.password, []), closes);
    await isTurnedAway(() => inspect(secure.passwordUnderTls, login("plain"), rightPassword), closes);
    await isTurnedAway(() => inspect(secure.password, [...login("plain"), "--tls"], rightPassword), closes);
  });
});

function isInspected({ code, stdout, stderr }: Outcome): void {
  expect(code, stderr).toBe(0);
  // Such as of a TLS server that is told a number for a name.
  expect(stderr).not.toContain("Warning");
  expect(stdout).toContain(`looked at the newest ${count} records`);
}

/** Within 3 s and what the process takes to start, on a machine that may be busy. */
async function isTurnedAway(command: () => Promise<Outcome>, said: RegExp): Promise<void> {
  const started = performance.now();
  const { code, stdout, stderr } = await command();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(said);
  expect(performance.now() - started).toBeLessThan(20_000);
}
