/** The package as its users get it: packed, installed into a CDK app of their own, and synthesised there. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyRepository, repository } from "./repository-copy.ts";

const minutes = 60_000;

const app = `
import { App, Stack } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { NcfRecommender } from "ncf-stream/cdk";

const app = new App({ outdir: "out" });
const stack = new Stack(app, "Shop");
const recommender = new NcfRecommender(stack, "Recommender", { gpuInstanceTypes: [], maxWorkers: 2 });
const web = new Role(stack, "Web", { assumedBy: new ServicePrincipal("ecs-tasks.amazonaws.com") });
recommender.grantRecommend(web);
recommender.grantUpload(web);
app.synth();
`;

let folder: string;
const shop = () => path.join(folder, "shop");

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 ** 2,
  });
}

function pack(): string {
  run("npm", ["pack", "--pack-destination", folder, "--loglevel=error"], copyRepository(folder));
  return path.join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "");
}

const versionOf = (name: string) =>
  (JSON.parse(readFileSync(path.join(repository, "node_modules", name, "package.json"), "utf8")) as { version: string })
    .version;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ncf-package-"));
  const tarball = pack();
  mkdirSync(shop());
  writeFileSync(path.join(shop(), "package.json"), JSON.stringify({ name: "shop", private: true, type: "module" }));
  writeFileSync(path.join(shop(), "app.mjs"), app);
  writeFileSync(path.join(shop(), "app.ts"), app);
  const packages = [tarball, ...["aws-cdk-lib", "constructs"].map((name) => `${name}@${versionOf(name)}`)];
  run(
    "npm",
    ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", ...packages],
    shop(),
  );
}, 8 * minutes);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe(
  "the package in an app of its user's",
  () => {
    it("synthesises the recommender with the bundles that came with it", () => {
      run("node", ["app.mjs"], shop());
      const template = JSON.parse(readFileSync(path.join(shop(), "out/Shop.template.json"), "utf8")) as {
        Resources: Record<string, { Type: string }>;
      };
      const types = Object.values(template.Resources).map(({ Type }) => Type);
      for (const type of [
        "AWS::S3::Bucket",
        "AWS::ApiGatewayV2::Api",
        "AWS::EC2::LaunchTemplate",
        "AWS::CloudWatch::Dashboard",
      ]) {
        expect(types).toContain(type);
      }
      const assets = readdirSync(path.join(shop(), "out")).filter((name) => name.startsWith("asset."));
      const holding = (file: string) => assets.filter((asset) => existsSync(path.join(shop(), "out", asset, file)));
      expect(holding("index.mjs").length).toBeGreaterThanOrEqual(4);
      expect(holding("main.mjs")).toHaveLength(1);
    });

    it("has types", () => {
      const compiler = path.join(repository, "node_modules/typescript/bin/tsc");
      const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"];
      expect(run("node", [compiler, ...options, "app.ts"], shop())).toBe("");
      writeFileSync(path.join(shop(), "wrong.ts"), app.replace("maxWorkers: 2", 'maxWorkers: "two"'));
      expect(() => run("node", [compiler, ...options, "wrong.ts"], shop())).toThrow();
    });

    it("brings the command", () => {
      expect(run("node", ["node_modules/ncf-stream/bin/ncf.mjs", "--help"], shop())).toContain("Usage: ncf");
    });
  },
  3 * minutes,
);
