/** Our pool under test: a real `prosper up` on a devnet of its own, without a miner. */

import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Connecting } from "./generator/protocol.ts";
import { nextLine, type Room } from "./room.ts";

/** The command, as a user runs it. */
export const PROSPER = join(import.meta.dirname, "../../infra/launch/prosper.mjs");
/** A job outlives most rounds; the first one begins a thirtieth of this after the start. */
const BLOCK_SECONDS = 240;
const QUICK_BLOCK_SECONDS = 60;
/** Enough that a block has its 25 records. */
const RIVAL_HASHES = 3_000;
/** One user at one address sends what a whole pool does: the caps that keep flooders out are raised, and nothing is switched off. */
const CONFIG = `[stratum]
linespersecond = 1000000
lineburst = 1000000
usersharespersecond = 1000000
maxperaddress = 20000
`;
const ADDRESS = "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q";
/** The easiest target that may be wished for: 16 hashes a share. */
const WISH = "f000000000000000";
const READY = v.object({
  event: v.literal("ready"),
  web: v.string(),
  stratum: v.string(),
  inviteCode: v.string(),
});

export interface PoolUnderTest {
  readonly child: ChildProcess;
  readonly web: string;
  /** How the generator logs in there. */
  login(clients: number): Connecting;
}

export async function startPool(
  bits: number,
  quick: boolean,
  room: Room,
  {
    blockSeconds = quick ? QUICK_BLOCK_SECONDS : BLOCK_SECONDS,
    processes = 1,
  }: { readonly blockSeconds?: number; readonly processes?: number } = {},
): Promise<PoolUnderTest> {
  const folder = room.folder();
  const config = join(folder, "bench.toml");
  writeFileSync(config, CONFIG);
  const flags = ["--json", "--config", config, "--data-dir", join(folder, "pool"), "--web-port", "0"];
  const sizes = ["--bits", `${bits}`, "--block-seconds", `${blockSeconds}`, "--miners", "0"];
  // A real pool's rivals hash on machines of their own.
  const rivals = ["--rival-hashes", `${RIVAL_HASHES}`];
  const edges = ["--processes", `${processes}`];
  const child = room.spawn(
    process.execPath,
    [PROSPER, "up", ...flags, "--stratum-port", "0", ...sizes, ...rivals, ...edges],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const ready = v.parse(READY, JSON.parse(await nextLine(child, "prosper up")()));
  const login = (clients: number): Connecting => ({
    port: Number(ready.stratum.split(":").at(-1)),
    clients,
    user: "bench",
    registration: ["bench-password", ready.inviteCode, ADDRESS],
    wish: WISH,
  });
  return { child, web: ready.web, login };
}

/** How the generator logs in to a peer: any name may. */
export const peerLogin = (port: number, clients: number): Connecting => ({
  ...{ port, clients, user: "bench", registration: ["", "", ""] },
  wish: undefined,
});
