/** Makes an LXR table while the edge's image is built, so that no edge makes it when it starts: `node edge/image/make-table.ts BITS FOLDER`. */

import { mkdirSync } from "node:fs";
import { coerceError } from "../../shared/errors.ts";
import { openTable } from "../../shared/hash/open-table.ts";

const [bits = "", dir = ""] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let told = "";

try {
  mkdirSync(dir, { recursive: true });
  await openTable({
    bits: Number(bits),
    dir,
    logger: { debug: say, info: say, warn: say, error: say },
    onProgress({ step, done, total }) {
      const line = `${step} ${Math.floor((10 * done) / total) * 10} %`;
      if (line !== told) say(line);
      told = line;
    },
  });
  say(`the table of ${bits} bits is in ${dir}`);
} catch (error) {
  say(coerceError(error).message);
  process.exitCode = 1;
}
