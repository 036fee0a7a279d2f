/** Questions to all edge processes of a pool at once. */

import * as v from "valibot";
import type { StratumConnection } from "../../functions/api/live.ts";
import type { SightingsReader } from "../../functions/api/sightings.ts";
import { type Clock, sleep } from "../../shared/clock.ts";
import { REFUSAL_CODES } from "../../shared/messages/refusals.ts";
import { sighted } from "../../shared/messages/sighted.ts";
import type { Channel } from "./process-channel.ts";
import type { FindRefused } from "./share-history.ts";

const PATIENCE_MS = 5_000;

/** Asks each; undefined where one is away, or does not answer in time. */
export type AskEdges = (question: string, value?: unknown) => Promise<unknown[]>;

export function createAskEdges(
  seats: readonly { readonly channel: Channel | undefined }[],
  clock: Clock,
): AskEdges {
  return async (question, value) => {
    const patience = new AbortController();
    const late = sleep(clock, PATIENCE_MS, patience.signal).then(() => undefined);
    const told = await Promise.all(
      seats.map(({ channel }) => Promise.race([channel?.ask(question, value).catch(() => undefined), late])),
    );
    patience.abort();
    return told;
  };
}

const text = v.nullable(v.string());
const connections = v.array(
  v.object({
    ...{ id: v.string(), user: text, worker: text, agent: v.string(), address: v.string() },
    ...{ subscribed: v.boolean(), authorized: v.boolean() },
    ...{ target: v.nullable(v.bigint()), noncePrefix: v.nullable(v.number()) },
  }),
);

/** The connections of all. */
export async function sessionsOfAll(ask: AskEdges): Promise<StratumConnection[]> {
  return listed(await ask("sessions"), connections);
}

/** A miner comes back to any of the processes: what each saw of it, the newest last. */
export function sightingsOfAll(ask: AskEdges): SightingsReader {
  return {
    look: async (by) => {
      const all = listed(await ask("sightings", by), v.array(sighted));
      return all.toSorted((a, b) => a.connectedMs - b.connectedMs);
    },
  };
}

const refusedShares = v.array(
  v.object({
    ...{ user: v.string(), worker: v.string(), jobId: v.string(), atMs: v.number(), waitedMs: v.number() },
    ...{ code: v.picklist(REFUSAL_CODES), reason: v.string() },
  }),
);

/** A share is refused by the process that its miner is connected to, or by the one that gave its prefix out. */
export function refusedOfAll(ask: AskEdges): FindRefused {
  return async (nonce) =>
    listed(await ask("refused", nonce), refusedShares).toSorted((a, b) => b.atMs - a.atMs);
}

function listed<Item>(answers: readonly unknown[], list: v.GenericSchema<unknown, Item[]>): Item[] {
  return answers.flatMap((answer) => {
    const { success, output } = v.safeParse(list, answer);
    return success ? output : [];
  });
}
