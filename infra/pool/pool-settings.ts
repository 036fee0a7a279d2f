/** From the configuration to the settings of the pool's parts. */

import type { FollowerOptions } from "../../edge/chain/follower.ts";
import type { ChainGradeOptions } from "../../edge/chain/grade.ts";
import type { EdgeOptions } from "../../edge/edge.ts";
import type { ChannelOptions } from "../../functions/alerts/channels/channels.ts";
import { SEND_MS } from "../../functions/alerts/handler.ts";
import { type PriceSettings, pollOptionsOf } from "../../functions/poll/options.ts";
import type { PollOptions } from "../../functions/poll/poll.ts";
import { formatRate, parseFeeRate } from "../../shared/accounting/fee.ts";
import type { WorkerLimits } from "../../shared/db/workers.ts";
import { CodedError } from "../../shared/errors.ts";
import { isValidFaAddress, parseAddress } from "../../shared/factom/address.ts";
import { keyPairFromSeed } from "../../shared/factom/ed25519.ts";
import { type Activations, activationsFrom } from "../../shared/opr/assets.ts";
import { orderSources, type SourceOrder } from "../../shared/prices/order.ts";
import type { Config } from "../config/schema.ts";
import { stratumOptions } from "./stratum-settings.ts";

/**
 * The time between two cuts, at most. Shares are on a disk that survives the process, so one delta in five
 * seconds is enough. Quick test networks cut more often.
 */
const CUT_MS = 5_000;

/** Versions active on the configured network. */
export function activationsOf(config: Config): Activations {
  return activationsFrom(config.pegnet.activation);
}

/**
 * The wait for a missing close marker: half an hour with ten-minute blocks, three blocks where they are
 * quicker.
 */
export function sealDeadlineMs(blockMs: number): number {
  return Math.min(30 * 60_000, Math.max(3 * blockMs, 30_000));
}

/** What following the chain needs. */
export function followOptions({ pegnet }: Config): FollowerOptions {
  return {
    startHeight: pegnet.startheight,
    pollMs: Math.min(pegnet.pollingperiod, pegnet.blockperiod / 50),
    retryMs: Math.min(pegnet.retryperiod, pegnet.blockperiod / 10),
    patienceMs: pegnet.blockperiod / 5,
    joblessMs: pegnet.blockperiod,
  };
}

/** What grading a block and booking its reward needs. Throws CodedError `config` without an address. */
export function gradeOptions(config: Config): ChainGradeOptions {
  const { pegnet, pool, submit } = config;
  if (!isValidFaAddress(pool.oprcoinbase)) {
    throw new CodedError(
      "config",
      "pool.oprcoinbase is not set: expected the Factoid address (FA…) that the rewards go to",
    );
  }
  return {
    activations: activationsOf(config),
    payoutAddress: pool.oprcoinbase,
    emaPoints: submit["ema-n"],
    cutoff: submit.submissioncutoff,
    blockMs: pegnet.blockperiod,
  };
}

/** What the edge needs. Throws CodedError `config` naming the key that is missing or cannot be had. */
export function edgeOptions(config: Config, folder: string): EdgeOptions {
  const { pegnet, pool, submit, stratum, polling } = config;
  const blockMs = pegnet.blockperiod;
  const grade = gradeOptions(config);
  const payer = parseAddress("Es", pool.esaddress);
  if (!payer.ok) {
    throw new CodedError(
      "config",
      "pool.esaddress: expected a private entry-credit key (Es…) with a valid checksum; it pays for the pool's entries",
    );
  }
  if (!stratum.validateallshares) {
    throw new CodedError(
      "config",
      "stratum.validateallshares (--checkallshares) is false: a pool pays for shares, so it hashes every one; only `prosper stratum` may trust miners. Remove the setting",
    );
  }
  const fee = parseFeeRate(pool.poolfeerate);
  if ("refusal" in fee) throw new CodedError("config", `pool.poolfeerate: ${fee.refusal}`);
  return {
    folder,
    ...stratumOptions(config),
    requireAuth: stratum.requireauth,
    ...(stratum.sharehistory > 0 && {
      history: { keepMs: stratum.sharehistory, maxBytes: stratum.sharehistorybytes },
    }),
    workerLimits: workerLimits(config),
    blockMs,
    cutEveryMs: Math.min(CUT_MS, blockMs / 5),
    follow: followOptions(config),
    grade,
    nextJob: {
      activations: grade.activations,
      payoutAddress: pool.oprcoinbase,
      identity: pool.opridentity,
      terms: { feeRate: formatRate(fee.rate), split: pool.split, credit: pool.credit },
      staleMs: polling.staleduration,
    },
    submit: { softmax: submit.softmax, payer: keyPairFromSeed(payer.bytes) },
    ...(config.roots.publish === "on" && { roots: { batch: config.roots.batch } }),
  };
}

/** The configured price sources. Throws CodedError `price-config`. */
export function sourceOrder(config: Config, baseUrls: Record<string, string> = {}): SourceOrder {
  return orderSources(priceSettings(config, baseUrls));
}

function priceSettings(config: Config, baseUrls: Record<string, string>): PriceSettings {
  const { oracle, polling } = config;
  return {
    priorities: config.oracledatasources,
    overrides: config.oracleassetdatasourcespriority,
    keys: oracle,
    baseUrls: oracle.devneturl === "" ? baseUrls : { devnet: oracle.devneturl, ...baseUrls },
    rule: polling.rule,
    fixed: config.oraclefixedprices,
    staleMs: polling.staleduration,
    single: polling.singlesource,
    limits: {
      fiat: { median: polling.deviationfiat, block: polling.jumpfiat },
      metal: { median: polling.deviationmetal, block: polling.jumpmetal },
      coin: { median: polling.deviationcoin, block: polling.jumpcoin },
    },
  };
}

/** What the price poller needs. Throws CodedError `price-config`. */
export function pollOptions(config: Config, baseUrls: Record<string, string> = {}): PollOptions {
  return pollOptionsOf(priceSettings(config, baseUrls), {
    blockMs: config.pegnet.blockperiod,
    activations: activationsOf(config),
    startHeight: config.pegnet.startheight,
  });
}

/** What alerts are sent by. Throws CodedError `config` where a mail server has no sender. */
export function channelOptions({ alerts }: Config, isDevnet: boolean): ChannelOptions {
  const { smtp, from, privateaddresses, telegramurl: telegram } = alerts;
  if (smtp !== "" && from === "")
    throw new CodedError(
      "config",
      'alerts.from is not set: alerts.smtp needs a sender, like "pool@example.com"',
    );
  return { smtp, from, telegram, allowPrivate: privateaddresses || isDevnet, timeoutMs: SEND_MS };
}

export function workerLimits({ pool }: Config): WorkerLimits {
  return { inJob: pool.workersperuser, newInDay: pool.newworkersaday };
}
