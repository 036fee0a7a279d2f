/** Builds the kernel: prints steps.as.ts and lxr-steps.h from the list of sub-steps and compiles lxr.wasm. Run by `npm run build:kernel`. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { printHeader } from "./steps-header.ts";
import { printSteps } from "./steps-source.ts";

const OPTIONS = [
  ...["-O3", "--converge", "--noAssert", "--runtime", "stub"],
  ...["--importMemory", "--sharedMemory", "--maximumMemory", "65536"],
  ...["--enable", "threads", "--enable", "bulk-memory", "--enable", "simd"],
];

/** What the sources of today give, by file name. Throws Error with the compiler's words. */
export async function buildKernel(): Promise<Record<string, Uint8Array>> {
  const steps = printSteps();
  const outputs = new Map<string, string | Uint8Array>();
  const { error, stderr } = await asc.main(["lxr.as.ts", "--outFile", "lxr.wasm", ...OPTIONS], {
    readFile: (name) => (name === "steps.as.ts" ? steps : readSource(name)),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  const wasm = outputs.get("lxr.wasm");
  if (error || !(wasm instanceof Uint8Array))
    throw new Error(`the kernel does not compile: ${error?.message ?? "no output"}\n${stderr.toString()}`);
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return { "steps.as.ts": encode(steps), "lxr-steps.h": encode(printHeader()), "lxr.wasm": wasm };
}

function readSource(name: string): string | null {
  return name === "lxr.as.ts" ? readFileSync(new URL(name, import.meta.url), "utf8") : null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, contents] of Object.entries(await buildKernel())) {
    writeFileSync(new URL(name, import.meta.url), contents);
    process.stdout.write(`${name}: ${contents.length} bytes\n`);
  }
}
