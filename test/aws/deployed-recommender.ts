/** A deployment on the local AWS, and all that its tests look at it with. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { type Deployment, deploy } from "../../scripts/local/deployment.ts";
import { clientSettings, type Emulators, emulatedEnvironment } from "../../scripts/local/emulators.ts";
import { Instances } from "../../scripts/local/instances.ts";
import { type ConnectedLauncher, connectLauncher } from "../../scripts/local/launcher.ts";
import { S3ObjectStore } from "../../src/adapters/aws/s3-object-store.ts";
import { ObjectStoreRegistry } from "../../src/adapters/registry/object-store-registry.ts";
import { type Answer, ask } from "./signed-http.ts";

export class DeployedRecommender {
  readonly name: string;
  readonly emulators: Emulators;
  /** For `ncf`. */
  readonly env: Readonly<Record<string, string>>;
  readonly deployment: Deployment;
  readonly launcher: ConnectedLauncher;
  readonly store: S3ObjectStore;
  readonly registry: ObjectStoreRegistry;
  readonly instances: Instances;
  readonly #folder: string;
  readonly #s3: S3Client;

  private constructor(
    emulators: Emulators,
    folder: string,
    { deployment, launcher }: { readonly deployment: Deployment; readonly launcher: ConnectedLauncher },
  ) {
    const { name, bucket } = deployment;
    this.name = name;
    this.emulators = emulators;
    this.env = { ...emulatedEnvironment(emulators), NCF_TOPIC_PREFIX: `${name}.` };
    this.deployment = deployment;
    this.launcher = launcher;
    this.#folder = folder;
    this.#s3 = new S3Client({ ...clientSettings(emulators.endpoint), forcePathStyle: true });
    this.store = new S3ObjectStore({ client: this.#s3, bucket });
    this.registry = new ObjectStoreRegistry(this.store);
    this.instances = new Instances(emulators, { stack: name, folder, environment: { NCF_WORKER_THREADS: "1" } });
  }

  static async deploy(emulators: Emulators, kafka: string): Promise<DeployedRecommender> {
    const name = `e2e-${randomUUID().slice(0, 8)}`;
    const context = {
      kafka,
      kafkaTls: "false",
      streamImage: "ncf-stream:local",
      streamGroup: name,
      interactionsTopic: `${name}.interactions`,
      sampleOptions: JSON.stringify({ preset: "mf", epochs: 2 }),
      backend: "wasm",
      workerIdleSeconds: "2",
      keepData: "false",
    };
    const deployment = await deploy(emulators, { name, context });
    const launcher = await connectLauncher(emulators, deployment);
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-e2e-"));
    return new DeployedRecommender(emulators, folder, { deployment, launcher });
  }

  /** A file of the test's own. */
  at(file: string): string {
    return path.join(this.#folder, file);
  }

  /** @param body is posted, as JSON; without one it is a GET */
  ask(route: string, body?: unknown): Promise<Answer> {
    return ask(this.deployment, route, body);
  }

  async champion(): Promise<string | undefined> {
    return (await this.registry.champion())?.version;
  }

  async stop(): Promise<void> {
    await this.instances.stop();
    this.#s3.destroy();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
