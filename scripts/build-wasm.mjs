/**
 * Builds the committed .wasm files from src/ncf/kernels with AssemblyScript.
 *
 *   node scripts/build-wasm.mjs           writes src/ncf/wasm/*.wasm
 *   node scripts/build-wasm.mjs --check   rebuilds and compares bytes with the committed files; exit code 1 if they differ
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const common = [
  "-O3",
  "--noAssert",
  "--runtime",
  "stub",
  "--enable",
  "simd",
  "--importMemory",
  "--maximumMemory",
  "65536",
];
// Addresses are 32 bits by design (201), and vectors pass between kernels only (112).
common.push("--disableWarning", "201", "--disableWarning", "112");
const threads = ["--enable", "threads", "--initialMemory", "1", "--sharedMemory"];

const builds = [
  { entry: "step.ts", output: "training-relaxed.wasm", flags: [...threads, "--enable", "relaxed-simd"] },
  { entry: "step.ts", output: "training-simd.wasm", flags: threads },
  { entry: "step.ts", output: "training-single.wasm", flags: ["--enable", "threads", "--initialMemory", "1"] },
  { entry: "score.ts", output: "scoring.wasm", flags: ["--initialMemory", "1"] },
];

async function compile({ entry, output, flags }) {
  let binary;
  const { error, stderr } = await asc.main([`src/ncf/kernels/${entry}`, "--outFile", output, ...common, ...flags], {
    readFile: (name, base) =>
      readFile(new URL(name, `file://${base === "." ? root : `${base}/`}`), "utf8").catch(() => null),
    writeFile: (name, contents) => {
      if (name === output) binary = contents;
    },
    listFiles: () => null,
  });
  if (error) throw new Error(`${entry}: ${error.message}\n${stderr.toString()}`);
  return binary;
}

let differing = 0;
for (const build of builds) {
  const binary = await compile(build);
  const path = new URL(`../src/ncf/wasm/${build.output}`, import.meta.url);
  if (process.argv.includes("--check")) {
    const committed = await readFile(path).catch(() => new Uint8Array());
    const same = Buffer.from(binary).equals(committed);
    process.stdout.write(
      `${build.output}: ${same ? "up to date" : "differs: run npm run build:wasm and commit the result"}\n`,
    );
    if (!same) differing++;
  } else {
    await writeFile(path, binary);
    process.stdout.write(`${build.output}: ${binary.length} bytes\n`);
  }
}
process.exitCode = differing > 0 ? 1 : 0;
