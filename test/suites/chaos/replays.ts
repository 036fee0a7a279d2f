/** One share a thousand times: every case of its letters, other bytes, other lengths, over 20 connections on all edges. */

import { connect } from "node:net";
import { PoolConnection } from "../../../edge/miner/pool-connection.ts";
import { bytesToU64, concat, fromHex, toHex, u32ToBytes } from "../../../shared/bytes.ts";
import { sleep, systemClock } from "../../../shared/clock.ts";
import { smallHasher } from "../../support/hash/small-hasher.ts";
import type { Chance } from "../../support/random.ts";
import { REPLAYER } from "./options.ts";

const CONNECTIONS = 20;
const VARIANTS = 1_000;
/** Fewer than half of 50 false ones in a row, or the session is closed for them. */
const FALSE_ONES = 24;

interface Client {
  readonly connection: PoolConnection;
  prefix: number;
  target: bigint;
  job: { height: number; oprHash: string } | undefined;
  isOpen: boolean;
}

async function open(port: number, worker: string): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const client: Omit<Client, "connection"> = { prefix: 0, target: 0n, job: undefined, isOpen: true };
  const full: Client = Object.assign(client, {
    connection: new PoolConnection(
      socket,
      "replayer",
      { clock: systemClock },
      {
        onPrefix: (prefix) => {
          full.prefix = prefix;
        },
        onAuthorized: () => undefined,
        onRefused: () => undefined,
        onJob: (height, oprHash) => {
          full.job = { height, oprHash };
        },
        onTarget: (target) => {
          full.target = target;
        },
        onStop: () => undefined,
        onMessage: () => undefined,
        onReconnect: () => undefined,
        onEnd: () => {
          full.isOpen = false;
        },
      },
    ),
  });
  full.connection.greet({ user: REPLAYER, worker, password: "", invite: "", payoutAddress: "" });
  while (full.job === undefined && full.isOpen) await sleep(systemClock, 20);
  return full;
}

/** How often the pool said `true`, to how many submits. It must be once. */
export async function replayOneShare(
  ports: readonly number[],
  bits: number,
  chance: Chance,
): Promise<{ sent: number; taken: number; answers: Record<string, number> }> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, n) => open(ports[n % ports.length] ?? 0, `replay${n}`)),
  );
  const [first] = clients;
  const job = first?.job;
  if (first === undefined || job === undefined) throw new Error("no job to find a share of");
  const hasher = smallHasher(bits);
  const head = fromHex(job.oprHash);
  for (let counter = 0; ; counter++) {
    const nonce = concat(u32ToBytes(first.prefix), u32ToBytes(counter));
    const [hash] = await hasher.hash([concat(head, nonce)]);
    const difficulty = bytesToU64(hash ?? new Uint8Array(8));
    if (difficulty < first.target) continue;
    return submitVariants(clients, { ...job, nonce: toHex(nonce), target: difficulty.toString(16) }, chance);
  }
}

async function submitVariants(
  clients: readonly Client[],
  share: { height: number; oprHash: string; nonce: string; target: string },
  chance: Chance,
): Promise<{ sent: number; taken: number; answers: Record<string, number> }> {
  const answers = new Map<string, number>();
  const say = (word: string): void => void answers.set(word, (answers.get(word) ?? 0) + 1);
  const each = VARIANTS / clients.length;
  const submits = clients.flatMap(({ connection }) =>
    Array.from({ length: each }, (_, n) => {
      const nonce = n < FALSE_ONES ? otherBytes(share.nonce, chance) : anyCase(share.nonce, chance);
      const target = chance.hit(0.8)
        ? anyCase(share.target, chance)
        : chance.pick([`0x${share.target}`, ` ${share.target}`, `0${share.target}`]);
      const oprHash = chance.hit(0.05) ? anyCase(share.oprHash, chance) : share.oprHash;
      return connection
        .request("mining.submit", [REPLAYER, `${share.height}`, nonce, oprHash, target])
        .then((answer) => say(answer === undefined ? "closed" : `${answer.error?.message ?? answer.result}`));
    }),
  );
  await Promise.all(submits);
  for (const { connection } of clients) connection.end("done");
  return { sent: submits.length, taken: answers.get("true") ?? 0, answers: Object.fromEntries(answers) };
}

function anyCase(hex: string, chance: Chance): string {
  return [...hex].map((digit) => (chance.hit(0.5) ? digit.toUpperCase() : digit)).join("");
}

/** Another nonce, or none at all. */
function otherBytes(hex: string, chance: Chance): string {
  const cases = [
    `${hex}00`,
    hex.slice(0, -1),
    `${hex}g`,
    ` ${hex}`,
    `0x${hex}`,
    hex.slice(0, -2),
    `00${hex}`,
    `${hex}\n`,
  ];
  return chance.pick(cases);
}
