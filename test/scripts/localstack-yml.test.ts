/** localstack.yml by the Compose specification's schema, as there may be no docker engine to ask. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const file = "localstack.yml";

interface Service {
  readonly image: string;
  readonly healthcheck?: object;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, object>>;
}

const text = await readFile(file, "utf8");
const { services } = parse(text, { merge: true }) as { services: Readonly<Record<string, Service>> };

/** What the schema, and the linter's rules for mistakes, find wrong with it. */
async function errorsOf(composeFile: string): Promise<readonly { message: string }[]> {
  // An image that is built has a name by which to find it.
  const linter = new DCLinter({ rules: { "no-build-and-image": 0 }, quiet: true, debug: false, exclude: [] });
  const found: { messages: { type: string; message: string }[] }[] = await linter.lintFiles([composeFile], false);
  return found.flatMap(({ messages }) => messages).filter(({ type }) => type === "error");
}

describe("localstack.yml", () => {
  it("is what the Compose specification's schema allows", async () => {
    expect(await errorsOf(file)).toEqual([]);
    const folder = await mkdtemp(path.join(tmpdir(), "ncf-compose-"));
    const broken = path.join(folder, "compose.yml");
    await writeFile(broken, text.replace("start_period: 10s", "start_periods: 10s"));
    expect(await errorsOf(broken)).not.toEqual([]);
    await rm(folder, { recursive: true });
  });

  it("names images by version, opens ports to this machine only, and looks after whatever runs on", () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service.image, name).toMatch(/:[^:]+$/);
      expect(service.image, name).not.toMatch(/:latest$/);
      for (const port of service.ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      for (const other of Object.keys(service.depends_on ?? {})) expect(services, name).toHaveProperty([other]);
      if (service.command?.[0] !== "topics") expect(service.healthcheck, name).toBeDefined();
    }
    expect(services.localstack.image).toBe("localstack/localstack:4.14.0");
  });
});
