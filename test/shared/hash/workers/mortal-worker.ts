/** A hashing thread that dies of an input "die"; of "die once" only where the file named after it does not exist yet. */

import { existsSync, writeFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { HashBatch } from "../../../../shared/hash/worker.ts";

parentPort?.on("message", ({ bytes }: HashBatch) => {
  const text = Buffer.from(bytes).toString("latin1");
  if (text.includes("die once ")) {
    const marker = text.slice(text.indexOf("die once ") + "die once ".length);
    if (existsSync(marker)) return;
    writeFileSync(marker, "");
    process.exit(7);
  }
  if (text.includes("die")) process.exit(7);
});

await import("../../../../shared/hash/worker.ts");
