/** The recorded conversations of test/support/vectors/stratum, line by line. */

import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { parseStratumLine, type StratumMessage } from "../../../shared/messages/stratum.ts";

const LineSchema = v.union([
  v.object({ ms: v.number(), conn: v.number(), dir: v.picklist(["c2s", "s2c"]), raw: v.string() }),
  v.object({ ms: v.number(), conn: v.number(), dir: v.picklist(["c2s", "s2c"]), hex: v.string() }),
  v.object({ ms: v.number(), conn: v.number(), dir: v.literal("ev"), event: v.string() }),
]);

export type Step =
  | { readonly kind: "client"; readonly ms: number; readonly conn: number; readonly bytes: Uint8Array }
  | { readonly kind: "server"; readonly ms: number; readonly conn: number; readonly line: string }
  | { readonly kind: "event"; readonly ms: number; readonly conn: number; readonly event: string };

const FOLDER = new URL("../vectors/stratum/", import.meta.url);

/** Names without their extension, in order. */
export function transcriptNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => name.slice(0, -".jsonl".length))
    .sort();
}

export function readTranscript(name: string): Step[] {
  const [, ...lines] = readFileSync(new URL(`${name}.jsonl`, FOLDER), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((text): Step => {
    const line = v.parse(LineSchema, JSON.parse(text));
    const { ms, conn } = line;
    if ("event" in line) return { kind: "event", ms, conn, event: line.event };
    const bytes = "raw" in line ? Buffer.from(line.raw, "utf8") : Buffer.from(line.hex, "hex");
    return line.dir === "c2s"
      ? { kind: "client", ms, conn, bytes: new Uint8Array(bytes) }
      : { kind: "server", ms, conn, line: bytes.toString("utf8") };
  });
}

/** Every complete line the clients sent, understood. */
export function clientMessages(steps: readonly Step[], conn?: number): StratumMessage[] {
  const bytes = steps.flatMap((step) =>
    step.kind === "client" && (conn === undefined || step.conn === conn) ? [Buffer.from(step.bytes)] : [],
  );
  return Buffer.concat(bytes).toString("utf8").split("\n").slice(0, -1).map(parseStratumLine);
}
