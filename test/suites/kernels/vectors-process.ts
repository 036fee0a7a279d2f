/**
 * Hashes the reference's vectors by the kernel that a release has for the platform that runs this, and prints what came of it:
 * `node vectors-process.ts FOLDER`. It knows nothing of the machine it was started on, which may only emulate that platform.
 */

import { createHash } from "node:crypto";
import { toHex } from "../../../shared/bytes.ts";
import { LxrKernel } from "../../../shared/hash/kernel.ts";
import { LXR_PASSES, LXR_SEED } from "../../../shared/hash/lxr.ts";
import { findNative } from "../../../shared/hash/native-kernel.ts";
import { allocateTable, claimRegion, tableBytes } from "../../../shared/hash/shared-table.ts";
import { VECTORS } from "../../support/hash/tables.ts";

const native = await findNative({ prebuiltDir: process.argv[2] ?? "", compiler: "no-such-cc" });
const library = native.kind === "found" ? native.library : undefined;
let hashes = 0;
const wrong: string[] = [];
for (const { bits, tableSha256, inputs } of VECTORS.cases.filter((one) => one.bits <= 20)) {
  if (library === undefined) break;
  const table = { ...allocateTable(bits), library };
  const kernel = new LxrKernel(table, claimRegion(table));
  kernel.generateTable(LXR_SEED, LXR_PASSES, () => undefined);
  if (createHash("sha256").update(tableBytes(table)).digest("hex") !== tableSha256)
    wrong.push(`the table of ${bits} bits`);
  const alone = inputs.flatMap(({ input }) => kernel.hashBatch([input]));
  const together = kernel.hashBatch(inputs.map(({ input }) => input));
  for (const made of [alone, together])
    for (const [i, hash] of made.entries()) {
      hashes++;
      if (toHex(hash) !== inputs[i]?.hash) wrong.push(`${bits} bits, input ${i}`);
    }
}
process.stdout.write(JSON.stringify({ arch: process.arch, native, hashes, wrong }));
