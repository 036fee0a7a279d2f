/** `prosper devnet`: a private network in the foreground, with one line for each block. */

import type { Clock, Random } from "../../../shared/clock.ts";
import { CodedError } from "../../../shared/errors.ts";
import { parseAddress } from "../../../shared/factom/address.ts";
import type { Hasher, NonceSearch } from "../../../shared/hash/hasher.ts";
import type { Logger } from "../../../shared/logger.ts";
import { type Activations, MAINNET_ACTIVATIONS } from "../../../shared/opr/assets.ts";
import type { DevnetBlock } from "../../devnet/block-summary.ts";
import { DELAY_MS_MAX } from "../../devnet/controls.ts";
import { readRivalHashes } from "../../devnet/effort.ts";
import { type Devnet, startDevnet } from "../../devnet/main.ts";
import { DEVNET_DEFAULTS } from "../../devnet/options.ts";

/** As typed; what is left out has the devnet's default. */
export interface DevnetFlags {
  /** Folder of the chain; without it the chain is gone at the end. */
  readonly dataDir?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly feedPort?: number | undefined;
  readonly blockSeconds?: number | undefined;
  readonly rivals?: number | undefined;
  /** A number, or "auto". */
  readonly rivalHashes?: string | undefined;
  /** EC addresses to fund. */
  readonly ec?: readonly string[] | undefined;
  readonly seed?: number | undefined;
  readonly replay?: readonly string[] | undefined;
  readonly activations?: Activations | undefined;
  readonly stall?: boolean | undefined;
  /** Every N-th block has no OPR entry. */
  readonly skip?: number | undefined;
  /** Part of the calls that fail. */
  readonly errors?: number | undefined;
  /** Milliseconds that each call takes longer. */
  readonly delayMs?: number | undefined;
  /** Blocks that the node has lost at the start. */
  readonly goBack?: number | undefined;
  readonly json?: boolean | undefined;
}

export interface DevnetCommandModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly hasher: Hasher & NonceSearch;
  /** A line on stdout. */
  readonly print: (line: string) => void;
  /** Ends the command. */
  readonly signal: AbortSignal;
}

/** What an EC address gets: enough for years of blocks. */
export const DEVNET_CREDITS = 1_000_000_000;

/** Runs until the signal. Throws the CodedErrors of `startDevnet`, and `flag-invalid`. */
export async function devnetCommand(flags: DevnetFlags, modules: DevnetCommandModules): Promise<void> {
  const { print, signal, ...rest } = modules;
  const devnet = await startDevnet(readFlags(flags), {
    ...rest,
    onBlock: (block) => print(flags.json ? jsonLine(block) : textLine(block)),
  });
  if (flags.goBack) devnet.control({ goBack: flags.goBack });
  for (const line of flags.json ? [readyJson(devnet)] : readyText(devnet)) print(line);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await devnet.stop();
}

function readFlags(flags: DevnetFlags): typeof DEVNET_DEFAULTS {
  const defaults = DEVNET_DEFAULTS;
  return {
    ...defaults,
    host: flags.host ?? defaults.host,
    port: flags.port ?? defaults.port,
    feedPort: flags.feedPort ?? defaults.feedPort,
    folder: flags.dataDir,
    blockMs: inRange("--block-seconds", flags.blockSeconds ?? defaults.blockMs / 1000, 0.1, 3600) * 1000,
    rivals: inRange("--rivals", flags.rivals ?? defaults.rivals, 1, 1000),
    rivalHashes: readRivalHashes(flags.rivalHashes),
    credits: (flags.ec ?? []).map(readCredit),
    seed: flags.seed ?? defaults.seed,
    replay: flags.replay ?? [],
    // Real blocks are of the versions that mainnet had at their heights.
    activations: flags.activations ?? (flags.replay?.length ? MAINNET_ACTIVATIONS : defaults.activations),
    stall: flags.stall ?? false,
    skipEvery: inRange("--skip", flags.skip ?? 0, 0, 1_000_000),
    errorRate: inRange("--errors", flags.errors ?? 0, 0, 1),
    delayMs: inRange("--delay-ms", flags.delayMs ?? 0, 0, DELAY_MS_MAX),
  };
}

function inRange(flag: string, value: number, from: number, to: number): number {
  if (value >= from && value <= to) return value;
  throw new CodedError("flag-invalid", `${flag}: expected ${from} to ${to}, got ${value}`);
}

function readCredit(address: string): (typeof DEVNET_DEFAULTS.credits)[number] {
  if (parseAddress("EC", address).ok) return { address, balance: DEVNET_CREDITS };
  throw new CodedError(
    "flag-invalid",
    `--ec: expected an EC address, got ${JSON.stringify(address.slice(0, 60))}`,
  );
}

function readyText(devnet: Devnet): string[] {
  return [
    `factomd   ${devnet.factomdUrl}`,
    `pegnetd   ${devnet.pegnetdUrl}`,
    `prices    ${devnet.feedUrl}`,
    `controls  curl -d '{"stall":true}' ${devnet.controlUrl}   (stall, skip, errors, delayMs, goBack, closeBlock)`,
  ];
}

function readyJson(devnet: Devnet): string {
  const { factomdUrl: factomd, pegnetdUrl: pegnetd, feedUrl: prices, controlUrl: control } = devnet;
  return JSON.stringify({ event: "ready", factomd, pegnetd, prices, control });
}

function textLine(block: DevnetBlock): string {
  const graded = block.isGraded ? `${block.otherWinning} of 25 places not the rivals'` : "not graded";
  const payouts =
    block.transactions > 0 ? ` · ${block.executed}/${block.transactions} transactions executed` : "";
  return `block ${block.height} · ${block.oprEntries} OPRs · ${graded}${payouts}`;
}

function jsonLine({ otherDifficulties: _, ...block }: DevnetBlock): string {
  return JSON.stringify({ event: "block", ...block });
}
