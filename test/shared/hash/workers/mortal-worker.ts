/** A hashing thread that dies of an input "die"; of "die once" only where the file named after it does not exist yet. */

import { existsSync, writeFileSync } from "node:fs";
import { LxrKernel } from "../../../../shared/hash/kernel.ts";

const { hashBatch } = LxrKernel.prototype;

LxrKernel.prototype.hashBatch = function (inputs) {
  for (const text of inputs.map((input) => Buffer.from(input).toString("latin1"))) mayDie(text);
  return hashBatch.call(this, inputs);
};

function mayDie(text: string): void {
  const [, marker] = text.split("die once ");
  if (marker !== undefined && existsSync(marker)) return;
  if (marker !== undefined) writeFileSync(marker, "");
  if (text.includes("die")) process.exit(7);
}

await import("../../../../shared/hash/worker.ts");
