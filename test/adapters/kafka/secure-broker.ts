/** A broker that lets nobody in without a password or a certificate, with a port for each way. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { OwnBroker } from "../../chaos/broker.ts";

export interface SecureBroker {
  readonly broker: OwnBroker;
  /** Asks for nothing. */
  readonly open: string;
  /** Password, by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly password: string;
  /** The same, under TLS. */
  readonly passwordUnderTls: string;
  /** TLS with a client's certificate. */
  readonly certificate: string;
  /** PEM files: the authority, a client that it signed, one that signed itself. */
  readonly pem: Readonly<Record<"ca" | "clientCert" | "clientKey" | "strangerCert" | "strangerKey", string>>;
}

export const user = "ncf";
export const rightPassword = "correct horse";

const run = promisify(execFile);

/** @param folder an empty one, for data and certificates @param port even; the six after it are taken, too */
export async function startSecureBroker(folder: string, port: number): Promise<SecureBroker> {
  const at = (name: string) => path.join(folder, name);
  await selfSigned(at("ca"), "authority");
  await selfSigned(at("stranger"), "stranger");
  await signed(at("broker"), "127.0.0.1", at("ca"));
  await signed(at("client"), "client", at("ca"));
  const [password, passwordUnderTls, certificate] = [port + 2, port + 4, port + 6].map((at) => `127.0.0.1:${at}`);
  const listeners = [
    `PLAINTEXT://127.0.0.1:${port}`,
    `PASSWORD://${password}`,
    `PASSWORDTLS://${passwordUnderTls}`,
    `CERTIFICATE://${certificate}`,
  ].join(",");
  const logins = ["password", "passwordtls"].flatMap((listener) => {
    const jaas = (mechanism: string) => `listener.name.${listener}.${mechanism}.sasl.jaas.config`;
    const security = "org.apache.kafka.common.security";
    return [
      `${jaas("plain")}=${security}.plain.PlainLoginModule required user_${user}="${rightPassword}";`,
      ...["scram-sha-256", "scram-sha-512"].map((of) => `${jaas(of)}=${security}.scram.ScramLoginModule required;`),
    ];
  });
  const settings = [
    `listeners=${listeners},CONTROLLER://127.0.0.1:${port + 1}`,
    `advertised.listeners=${listeners}`,
    "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_PLAINTEXT,PASSWORDTLS:SASL_SSL,CERTIFICATE:SSL",
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    ...logins,
    "ssl.keystore.type=PEM",
    `ssl.keystore.location=${at("broker.store.pem")}`,
    "ssl.truststore.type=PEM",
    `ssl.truststore.location=${at("ca.pem")}`,
    "listener.name.certificate.ssl.client.auth=required",
  ];
  await writeFile(at("secure.properties"), `${settings.join("\n")}\n`);
  const broker = await OwnBroker.start(port, at("kafka"), {
    NCF_KAFKA_PROPERTIES: at("secure.properties"),
    NCF_KAFKA_SCRAM: `name=${user},password=${rightPassword}`,
  });
  const pem = {
    ca: at("ca.pem"),
    clientCert: at("client.pem"),
    clientKey: at("client.key.pem"),
    strangerCert: at("stranger.pem"),
    strangerKey: at("stranger.key.pem"),
  };
  return { broker, open: broker.address, password, passwordUnderTls, certificate, pem };
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function selfSigned(file: string, name: string): Promise<void> {
  const out = ["-keyout", `${file}.key.pem`, "-out", `${file}.pem`];
  await run("openssl", ["req", "-x509", ...newKey, ...out, "-days", "2", "-subj", `/CN=${name}`]);
}

/** With FILE.store.pem, key and certificate in one, as Kafka takes them. */
async function signed(file: string, name: string, ca: string): Promise<void> {
  const request = ["-keyout", `${file}.key.pem`, "-out", `${file}.csr`, "-subj", `/CN=${name}`];
  await run("openssl", ["req", ...newKey, ...request]);
  await writeFile(`${file}.ext`, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const by = ["-CA", `${ca}.pem`, "-CAkey", `${ca}.key.pem`, "-CAcreateserial", "-extfile", `${file}.ext`];
  await run("openssl", ["x509", "-req", "-in", `${file}.csr`, ...by, "-days", "2", "-out", `${file}.pem`]);
  await run("sh", ["-c", 'cat "$0.key.pem" "$0.pem" >"$0.store.pem"', file]);
}
