/** The repository's stacks as templates, with tiny bundles in the place of the real ones. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { App, type Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { withDefaults } from "../../cdk/constructs/settings.ts";
import { readContext } from "../../cdk/context.ts";
import { addRecommenderStacks } from "../../cdk/stacks/recommender-stacks.ts";

export const streamContext = {
  kafka: "broker-1.example.com:9096,broker-2.example.com:9096",
  kafkaSecret: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kafka-AbCdEf",
  streamImage: "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ncf-stream:1.0",
};

/** A folder with bundles that do nothing. */
function fixtureAssets(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ncf-assets-"));
  for (const name of ["ingest", "sample", "launch-worker", "score", "interactions"]) {
    mkdirSync(path.join(folder, "lambdas", name), { recursive: true });
    writeFileSync(path.join(folder, "lambdas", name, "index.mjs"), "export const handler = async () => {};\n");
  }
  mkdirSync(path.join(folder, "gpu-worker"));
  writeFileSync(path.join(folder, "gpu-worker", "main.mjs"), "process.exit(0);\n");
  return folder;
}

/** An app with all stacks, as `cdk.json` with this context would make it. */
export function recommenderApp(context: Readonly<Record<string, unknown>> = {}, region = "eu-central-1"): App {
  const app = new App({ context: { stackName: "movies", assetsFolder: fixtureAssets(), ...context } });
  const { settings, account } = readContext(app.node);
  addRecommenderStacks(app, withDefaults(settings, settings.name), { region, ...(account && { account }) });
  return app;
}

/** The template of each stack by the last part of its name: data, training, serving, ... */
export function templatesOf(app: App): Record<string, Template> {
  const stacks = app.node.children.filter((child): child is Stack => "templateFile" in child);
  return Object.fromEntries(
    stacks.map((stack) => [stack.stackName.replace(/^movies-/, ""), Template.fromStack(stack)]),
  );
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, never>;
}

export function resourcesOf(template: Template, type: string): [string, Resource["Properties"]][] {
  return Object.entries(template.findResources(type)).map(([id, resource]) => [id, (resource as Resource).Properties]);
}
