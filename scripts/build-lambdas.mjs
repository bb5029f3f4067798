/**
 * Bundles each Lambda, packages and all, into dist/lambdas/<name>/: an `index.mjs` and what it reads beside itself. The same sources
 * give the same bytes. Source maps lie in dist/lambda-maps, as a map in the bundle would be loaded with it.
 *
 *   npm run build:lambdas [-- NAME ...] [-- --out FOLDER]
 */
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: "dist" } },
});
const out = path.resolve(root, values.out, "lambdas");
const maps = path.resolve(root, values.out, "lambda-maps");
/** What a bundle may weigh: a Lambda loads all of it before its first answer. */
const maxBytes = 5 * 1024 * 1024;
/** Files that modules read by their own address. */
const beside = { score: ["src/ncf/wasm/scoring.wasm"] };
/** Codecs with machine code, for reading compressed topics: the Lambdas only write. */
const external = ["@2l/kafkajs-lz4", "kafkajs-snappy"];
/** Packages of the older kind, such as kafkajs, call `require`, which a module does not have. */
const banner =
  'import{createRequire as ncfCreateRequire}from"node:module";const require=ncfCreateRequire(import.meta.url);';

/** Messages of zod in some fifty languages, which no bundler can tell to be unused: a third of a bundle. */
const englishOnly = {
  name: "english-only",
  setup(bundler) {
    bundler.onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** AWS puts a Lambda's credentials into its environment: clients for all the other places stay out. */
const credentialsOfLambdas = {
  name: "credentials-of-lambdas",
  setup(bundler) {
    bundler.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ resolveDir }) => ({
      path: "credentials-of-lambdas",
      namespace: "credentials-of-lambdas",
      pluginData: resolveDir,
    }));
    bundler.onLoad({ filter: /.*/, namespace: "credentials-of-lambdas" }, ({ pluginData }) => ({
      contents: 'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
      resolveDir: pluginData,
    }));
  },
};

const all = readdirSync(path.join(root, "lambdas", "entry")).map((file) => path.basename(file, ".ts"));
const names = positionals.length > 0 ? positionals : all.sort();

mkdirSync(maps, { recursive: true });
for (const name of names) {
  const folder = path.join(out, name);
  // Made beside its place, so that who reads the former bundle meanwhile reads all of it.
  const made = `${folder}.${process.pid}`;
  await build({
    absWorkingDir: root,
    entryPoints: [path.join("lambdas", "entry", `${name}.ts`)],
    outfile: path.join(made, "index.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    minify: true,
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    external,
    // Modules rather than the older kind, so that what is not used stays out.
    mainFields: ["module", "main"],
    banner: { js: banner },
    logLevel: "warning",
    plugins: [englishOnly, credentialsOfLambdas],
  });
  renameSync(path.join(made, "index.mjs.map"), path.join(maps, `${name}.mjs.map`));
  for (const file of beside[name] ?? []) copyFileSync(path.join(root, file), path.join(made, path.basename(file)));
  const bytes = readdirSync(made).reduce((sum, file) => sum + statSync(path.join(made, file)).size, 0);
  rmSync(folder, { recursive: true, force: true });
  renameSync(made, folder);
  console.log(`${name.padEnd(14)} ${String(Math.round(bytes / 1000)).padStart(5)} kB`);
  if (bytes > maxBytes) {
    console.error(
      `${name}: expected a bundle of at most ${maxBytes} bytes, found ${bytes}. See what its imports bring`,
    );
    process.exitCode = 1;
  }
}
