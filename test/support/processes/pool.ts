/** A running `prosper up --json`, or `edge`, and what it says on standard output. */

import * as v from "valibot";
import { until } from "../until.ts";
import { type Ended, type Running, type RunOptions, start } from "./prosper.ts";

const money = v.pipe(
  v.string(),
  v.regex(/^\d+$/),
  v.transform((text) => BigInt(text)),
);

/** Exactly the fields of the machine interface: one more or one less is a failure. */
const readyEvent = v.strictObject({
  event: v.literal("ready"),
  web: v.pipe(v.string(), v.regex(/^http:\/\/[^/]+$/)),
  stratum: v.pipe(v.string(), v.regex(/^[^:/]+:\d+$/)),
  factomd: v.pipe(v.string(), v.regex(/^http:\/\//)),
  adminUser: v.optional(v.strictObject({ name: v.string(), password: v.string() })),
  inviteCode: v.pipe(v.string(), v.minLength(1)),
});
const blockEvent = v.strictObject({
  event: v.literal("block"),
  height: v.pipe(v.number(), v.integer()),
  shares: v.pipe(v.number(), v.integer()),
  winning: v.pipe(v.number(), v.integer()),
  reward: money,
  fee: money,
  paid: money,
  carriedIn: money,
  carried: money,
});

export type Ready = v.InferOutput<typeof readyEvent>;
export type Block = v.InferOutput<typeof blockEvent>;

export interface PoolFlags {
  readonly dataDir: string;
  readonly blockSeconds?: number;
  readonly miners?: number;
  readonly webPort?: number;
  readonly stratumPort?: number;
  /** Edge processes; one, in the pool's own process, unless given. */
  readonly processes?: number;
  /** `prosper edge` by this file, on a network that runs elsewhere. */
  readonly config?: string;
  /** Before the command's own. */
  readonly flags?: readonly string[];
}

export class Pool {
  readonly running: Running;
  readonly dataDir: string;
  readonly ready: Ready;

  /** Starts it and waits for its first line. Throws with what it said when it ends instead. */
  static async start(flags: PoolFlags, options: RunOptions = {}): Promise<Pool> {
    const running = startUp(flags, options);
    let ended: Ended | undefined;
    void running.ended.then((how) => {
      ended = how;
    });
    const line = await until("the ready line", () => {
      if (ended !== undefined)
        throw new Error(`prosper up ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
      return wholeLines(running)[0];
    });
    return new Pool(running, flags.dataDir, v.parse(readyEvent, JSON.parse(line)));
  }

  private constructor(running: Running, dataDir: string, ready: Ready) {
    this.running = running;
    this.dataDir = dataDir;
    this.ready = ready;
  }

  /** Every line after the first, each checked. */
  blocks(): Block[] {
    return wholeLines(this.running)
      .slice(1)
      .map((line) => v.parse(blockEvent, JSON.parse(line)));
  }

  /** Resolves when `count` blocks have been printed since the start. */
  async untilBlocks(count: number): Promise<Block[]> {
    await until(`${count} sealed blocks`, () => this.blocks().length >= count, { withinMs: 60_000 });
    return this.blocks();
  }

  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.running.process.kill(signal);
    return this.running.ended;
  }
}

/** The command, not waited for. */
export function startUp(flags: PoolFlags, options: RunOptions = {}): Running {
  const { dataDir, blockSeconds = 3, miners = 1, webPort = 0, stratumPort = 0 } = flags;
  const ports = ["--web-port", `${webPort}`, "--stratum-port", `${stratumPort}`];
  const command =
    flags.config === undefined
      ? ["up", "--block-seconds", `${blockSeconds}`, "--miners", `${miners}`]
      : ["edge", "--config", flags.config];
  const processes = flags.processes === undefined ? [] : ["--processes", `${flags.processes}`];
  const all = [...command, "--json", "--data-dir", dataDir, ...ports, ...processes];
  return start([...(flags.flags ?? []), ...all], options);
}

function wholeLines(running: Running): string[] {
  const lines = running.stdout().split("\n");
  lines.pop();
  return lines;
}
