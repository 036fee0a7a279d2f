/** Real blocks on the devnet: reads files in the form of pegnet's grader test data and puts their OPRs at their heights. */

import * as v from "valibot";
import { CodedError } from "../../shared/errors.ts";
import { encodeEntry, entryHash, OPR_CHAIN } from "../../shared/factom/entry.ts";
import type { Hasher } from "../../shared/hash/hasher.ts";
import { parseJson } from "../../shared/json-source.ts";
import { type Activations, versionAt } from "../../shared/opr/assets.ts";
import { readTextFile } from "../durable-file.ts";
import { type BlockEntry, makeBlock } from "./block-maker.ts";
import type { DevnetChain } from "./chain.ts";

const BASE64 = v.pipe(
  v.string(),
  v.base64(),
  v.transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
);

const FILE = v.object({
  Height: v.pipe(v.number(), v.integer(), v.minValue(0)),
  PreviousWinners: v.nullable(v.array(v.string())),
  Entries: v.array(v.object({ Hash: v.string(), ExtIDs: v.array(BASE64), Content: BASE64 })),
});

export interface RealBlock {
  readonly height: number;
  readonly prevWinners: readonly string[];
  readonly entries: readonly BlockEntry[];
}

/** The most empty blocks between two replayed heights. */
const GAP_MAX = 10_000;

/** Reads the files, lowest height first. Throws CodedError `replay-invalid`, naming file and entry. */
export async function readRealBlocks(files: readonly string[]): Promise<readonly RealBlock[]> {
  const blocks: RealBlock[] = [];
  for (const file of files) blocks.push(parseBlockFile(file, await readTextFile(file)));
  blocks.sort((a, b) => a.height - b.height);
  for (const [i, block] of blocks.entries()) {
    const gap = block.height - (blocks[i - 1]?.height ?? block.height - 1);
    if (gap < 1 || gap > GAP_MAX)
      throw invalid(
        `expected heights 1 to ${GAP_MAX} apart, got ${gap} before ${block.height}: replay them apart`,
      );
  }
  return blocks;
}

function parseBlockFile(file: string, text: string | undefined): RealBlock {
  if (text === undefined) throw invalid(`expected a block file at ${file}, found none`);
  const parsed = v.safeParse(FILE, parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw invalid(`${file}: ${v.getDotPath(issue) ?? "file"}: ${issue.message}`);
  }
  const entries = parsed.output.Entries.map(({ Hash, ExtIDs, Content }): BlockEntry => {
    const raw = encodeEntry({ chainId: OPR_CHAIN, extIds: ExtIDs, content: Content });
    const hash = entryHash(raw);
    if (hash !== Hash) throw invalid(`${file}: expected an entry of hash ${Hash}, its bytes give ${hash}`);
    return { chainId: OPR_CHAIN, raw, hash, minute: 1 };
  });
  return { height: parsed.output.Height, prevWinners: parsed.output.PreviousWinners ?? [], entries };
}

export interface ReplayModules {
  readonly chain: DevnetChain;
  readonly hasher: Hasher;
  readonly activations: Activations;
  /** Unix milliseconds. */
  readonly wallMs: () => number;
}

/** Writes the blocks that the chain does not have yet, with empty ones between them. They are graded with the devnet's table. */
export async function appendRealBlocks(blocks: readonly RealBlock[], modules: ReplayModules): Promise<void> {
  const { chain, hasher, activations } = modules;
  const known = chain.tip?.height;
  const [first] = blocks;
  if (known !== undefined && first !== undefined && chain.block(first.height) === undefined)
    throw invalid(
      `the chain in the data folder stands at ${known} and has no block ${first.height}: use another folder`,
    );
  for (const block of blocks) {
    const from = (chain.tip?.height ?? block.height - 1) + 1;
    for (let height = from; height <= block.height; height++) {
      const { entries, prevWinners } =
        height === block.height ? block : { entries: [], prevWinners: undefined };
      const version = versionAt(height, activations);
      const contents = {
        height,
        version,
        startedMs: modules.wallMs(),
        entries,
        ...(prevWinners && { prevWinners }),
      };
      const made = await makeBlock(contents, chain, hasher);
      await chain.append(made.record, made.raws);
    }
  }
}

function invalid(message: string): CodedError {
  return new CodedError("replay-invalid", message);
}
