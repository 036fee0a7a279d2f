/** Goes through all of my blocks, the newest first. */

import type { Check } from "../../../../shared/proofs/verify.ts";
import type { BlockDetailView, MyBlocksView } from "../../../api/views/views.ts";
import { ApiError, get } from "../live/api.ts";
import { checkBlock } from "./check-block.ts";
import type { Remembered } from "./remembered.ts";

export interface CheckedBlock {
  readonly height: number;
  /** Undefined: it could not be asked for, and `why` says so. */
  readonly checks: readonly Check[] | undefined;
  readonly why: string;
}

const PAGE = 100;
/** Blocks asked for at a time. */
const LANES = 4;

/** Each block as soon as it is checked, until `signal` aborts. Rejects with ApiError where the list cannot be had. */
export async function* checkAll(
  user: string,
  remembered: Remembered,
  signal: AbortSignal,
): AsyncGenerator<CheckedBlock> {
  for (let before: number | null | undefined; before !== null; ) {
    const from = before === undefined ? "" : `&before=${before}`;
    const { body } = await get<MyBlocksView>(`/api/me/blocks?limit=${PAGE}${from}`);
    const sealed = (body?.blocks ?? []).filter(({ state }) => state === "sealed");
    for (let at = 0; at < sealed.length; at += LANES) {
      const lane = sealed.slice(at, at + LANES).map((mine) => checkOne(mine, user, remembered));
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
  user: string,
  remembered: Remembered,
): Promise<CheckedBlock> {
  const { height } = mine;
  try {
    const [proof, detail] = await Promise.all([
      get<unknown>(`/api/me/blocks/${height}/proof`),
      get<BlockDetailView>(`/api/blocks/${height}`),
    ]);
    if (detail.body === undefined) throw new ApiError(0, "the pool's answer broke off");
    const asked = { mine, user, proof: proof.body, detail: detail.body };
    return { height, checks: checkBlock(asked, remembered), why: "" };
  } catch (thrown) {
    if (thrown instanceof ApiError) return { height, checks: undefined, why: thrown.message };
    throw thrown;
  }
}
