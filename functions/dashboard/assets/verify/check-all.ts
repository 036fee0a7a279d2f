/** Goes through all of my blocks, the newest first. */

import { CodedError } from "../../../../shared/errors.ts";
import type { Check } from "../../../../shared/proofs/verify.ts";
import type { BlockDetailView, MyBlocksView } from "../../../api/views/views.ts";
import { ApiError, get } from "../live/api.ts";
import { wholeProof } from "../live/whole-file.ts";
import type { AskedNode } from "./ask-node.ts";
import { checkBlock } from "./check-block.ts";
import type { Remembered } from "./remembered.ts";

/** `absent`: all is good, but the chain that a node was asked for has no root of it. `unasked`: an answer did not come. */
export type Verdict = "right" | "wrong" | "absent" | "unasked";

export interface CheckedBlock {
  readonly height: number;
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
  /** Why it is absent or unasked. */
  readonly why: string;
}

export interface Checker {
  /** Whose blocks they are. */
  readonly user: string;
  readonly remembered: Remembered;
  /** Asked what the pool wrote to its chain, where it is named. */
  readonly node: AskedNode | undefined;
}

const PAGE = 100;
/** Blocks asked for at a time. */
const LANES = 4;

/** Each block as soon as it is checked, until `signal` aborts. Rejects with ApiError where the list cannot be had. */
export async function* checkAll(checker: Checker, signal: AbortSignal): AsyncGenerator<CheckedBlock> {
  for (let before: number | null | undefined; before !== null; ) {
    const from = before === undefined ? "" : `&before=${before}`;
    const { body } = await get<MyBlocksView>(`/api/me/blocks?limit=${PAGE}${from}`);
    const sealed = (body?.blocks ?? []).filter(({ state }) => state === "sealed");
    for (let at = 0; at < sealed.length; at += LANES) {
      const lane = sealed.slice(at, at + LANES).map((mine) => checkOne(mine, checker));
      for (const block of await Promise.all(lane)) {
        if (signal.aborted) return;
        yield block;
      }
    }
    before = body?.next ?? null;
  }
}

async function checkOne(
  mine: MyBlocksView["blocks"][number],
  { user, remembered, node }: Checker,
): Promise<CheckedBlock> {
  const { height } = mine;
  const checks: Check[] = [];
  try {
    const [proof, detail] = await Promise.all([
      wholeProof(`/api/me/blocks/${height}/proof`),
      get<BlockDetailView>(`/api/blocks/${height}`),
    ]);
    if (detail.body === undefined) throw new ApiError(0, "the pool's answer broke off");
    const { file, checks: made } = checkBlock({ mine, user, proof, detail: detail.body }, remembered);
    checks.push(...made);
    const published = detail.body.block.root;
    if (node === undefined || file === undefined || published === null)
      return { height, ...verdictOf(checks) };
    // Those of earlier visits too: a pool that takes another key has not got rid of what it wrote.
    const said = await node.says(file, { keys: remembered.keys, published });
    checks.push(...said.checks);
    return { height, ...verdictOf(checks, said.absent === "" ? undefined : ["absent", said.absent]) };
  } catch (thrown) {
    if (thrown instanceof ApiError || thrown instanceof CodedError)
      return { height, ...verdictOf(checks, ["unasked", thrown.message]) };
    throw thrown;
  }
}

/** What is wrong is wrong, whatever else could not be had. */
function verdictOf(
  checks: readonly Check[],
  [lack, why]: readonly [Verdict, string] = ["right", ""],
): Omit<CheckedBlock, "height"> {
  return { verdict: checks.every(({ ok }) => ok) ? lack : "wrong", checks, why };
}
