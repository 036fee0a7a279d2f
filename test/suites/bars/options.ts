/** What `npm run test:bars` is asked to do. */

import { parseArgs } from "node:util";

export interface BarsOptions {
  readonly blocks: number;
  readonly blockMs: number;
  readonly bits: number;
  /** Place of the network that the submission threshold is projected to. */
  readonly cutoff: number;
  readonly cuts: number;
  /** What a call to the node takes longer. */
  readonly nodeMs: number;
  /** Share of one core that our own miner takes. */
  readonly duty: number;
  /** Path of a built Go miner. */
  readonly goMiner: string | undefined;
  /** So many targets the Go miner is given; 0: the other program. */
  readonly retargets: number;
}

/** Ends the process with 2 where the flags make no sense. */
export function readOptions(): BarsOptions {
  const { values } = parseArgs({
    options: {
      blocks: { type: "string", default: "30" },
      "block-seconds": { type: "string", default: "10" },
      bits: { type: "string", default: "16" },
      duty: { type: "string", default: "0.4" },
      cuts: { type: "string", default: "0" },
      cutoff: { type: "string", default: "20" },
      "node-ms": { type: "string", default: "0" },
      "go-miner": { type: "string" },
      retargets: { type: "string", default: "0" },
    },
  });
  const blocks = whole("blocks", values.blocks, 1, 10_000);
  const retargets = whole("retargets", values.retargets, 0, 10_000);
  if (retargets > 0 && values["go-miner"] === undefined)
    fail("--retargets: expected the path of a Go miner beside it; give --go-miner PATH");
  return {
    blocks,
    blockMs: 1_000 * whole("block-seconds", values["block-seconds"], 1, 600),
    bits: whole("bits", values.bits, 8, 30),
    // At the pool's own 200 a miner that is a third of its network or more is given the threshold instead of what vardiff wants.
    cutoff: whole("cutoff", values.cutoff, 1, 100_000),
    cuts: whole("cuts", values.cuts, 0, blocks),
    nodeMs: whole("node-ms", values["node-ms"], 0, 60_000),
    duty: Number(values.duty),
    goMiner: values["go-miner"],
    retargets,
  };
}

function whole(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  fail(`--${name}: expected a whole number from ${from} to ${to}, got ${JSON.stringify(text)}`);
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
