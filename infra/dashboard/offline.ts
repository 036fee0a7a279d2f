/** Bundles the page that checks proofs from a disk, by the code of `prosper verify`, into one file: `node infra/dashboard/offline.ts FILE`. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, stop } from "esbuild";
import { CodedError } from "../../shared/errors.ts";
import { portable } from "./portable.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = "functions/dashboard/assets/offline";
const BROWSERS = ["chrome120", "firefox121", "safari17.2"];

/** In memory: writes nothing. The caller ends esbuild's process. Throws CodedError `dashboard-broken` with esbuild's words. */
export async function buildOffline(): Promise<{ html: string; inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`${FOLDER}/page.ts`],
    bundle: true,
    format: "iife",
    target: BROWSERS,
    minify: true,
    charset: "utf8",
    plugins: [portable],
    legalComments: "none",
    metafile: true,
    write: false,
    logLevel: "silent",
  }).catch((error: unknown) => {
    throw new CodedError("dashboard-broken", `the offline page cannot be bundled: ${String(error)}`, {
      cause: error,
    });
  });
  const script = outputFiles.map(({ text }) => text).join("");
  // A text in the code would end the element.
  const safe = script.trim().replaceAll("</script", "<\\/script");
  const shell = readFileSync(join(ROOT, FOLDER, "page.html"), "utf8");
  const html = shell.replace("<!-- script -->", () => `<script>${safe}</script>`);
  return { html, inputs: [...Object.keys(metafile.inputs), `${FOLDER}/page.html`] };
}

const [, program, file] = process.argv;
if (program === import.meta.filename && file !== undefined) {
  writeFileSync(file, (await buildOffline()).html);
  await stop();
}
