/** The shapes of what the API answers everybody of the pool, its blocks and what it submitted; views.ts lists them. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import {
  count,
  decimal,
  entryField,
  hashes,
  hashrate,
  height,
  instant,
  nextBlock,
  peg,
  point,
  seconds,
  target,
  userField,
  workerField,
} from "./fields.ts";
import { receiptKeyFields, saidRootsView } from "./roots.ts";

export const endpointView = v.strictObject({
  stratum: about(v.string(), "host:port for miners, without TLS", "pool.example.org:1234"),
  stratumTls: about(
    v.nullable(v.string()),
    "host:port for miners by TLS; null: none",
    "pool.example.org:1235",
  ),
  commands: about(
    v.array(
      v.strictObject({
        by: about(
          v.picklist(["package", "clone", "go"]),
          "package: served by this pool, needs only Node; clone: in a clone of the project; go: with the Go miner",
        ),
        title: about(v.string(), "for people", "On this machine, with Node"),
        command: about(
          v.string(),
          "NAME and RIG stand for the user's and the machine's name",
          "prosper mine --stratum pool.example.org:1234 --user NAME --worker RIG",
        ),
        note: about(v.string(), "what to know before it is run", "It needs Node 20 or newer."),
      }),
    ),
    "each begins to mine; the first one suits most",
  ),
  userName: about(v.string(), "what a user name may be", "1 to 254 characters"),
});

/** See PriceBasis and QuoteFate in shared/prices. */
const basis = v.picklist(["quotes", "last-good", "thin", "fixed", "carried", "zero"]);
export const priceView = v.strictObject({
  asset: about(v.string(), "as in the network's records", "EUR"),
  price: about(decimal, "1e-8 USD", "116420000"),
  basis: about(
    v.nullable(basis),
    "quotes: enough sources agree; last-good: what they gave within half an hour; thin: too few, and nothing better; " +
      "fixed: set by the operator; carried: of the last graded block; zero: without a price in this version; null: not recorded",
  ),
  source: about(v.nullable(v.string()), "whose quote is the price; null: nobody's", "Kraken"),
  pricedAt: about(v.nullable(instant), "when that quote, or the older price, was made; null: not recorded"),
  agreeing: about(v.pipe(v.number(), v.integer()), "sources whose quotes agree"),
  closed: about(v.boolean(), "its market rests: the last quote before closing stays good"),
  single: about(v.boolean(), "one source alone speaks for it, which the configuration allows"),
});

export const jobView = v.strictObject({
  height,
  version: about(v.number(), "OPR version"),
  oprHash: about(
    v.string(),
    "what miners hash, 64 hex digits",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  ),
  since: about(instant, "when it began; UTC, ISO 8601"),
  pricesAt: about(v.nullable(instant), "when its prices were fixed; null: not recorded"),
  prices: about(v.array(priceView), "in the order of the network's records"),
});

export const quoteListView = v.strictObject({
  height,
  pricesAt: about(v.nullable(instant), "when the prices were fixed; null: not recorded"),
  assets: about(
    v.array(
      v.strictObject({
        ...priceView.entries,
        quotes: about(
          v.array(
            v.strictObject({
              source: about(v.string(), "as in `prosper datasources`", "Kraken"),
              price: about(v.string(), "USD", "1.1642"),
              ageSeconds: about(v.number(), "how old it was then", 12),
              fate: about(
                v.string(),
                "used, agreed, doubted (too few agree), outside (of the band), later-tier (older, heard as a check), stale, no-tether, " +
                  "absurd, deviant (too far from the other sources) or jumped (too far from the last block, unseen by others)",
                "used",
              ),
            }),
          ),
          "what the sources said",
        ),
      }),
    ),
    "in the order of the network's records",
  ),
});

export const luckView = v.strictObject({
  blocks: about(seconds, "graded blocks it is reckoned over"),
  expectedPlaces: about(v.number(), "by the pool's part of the network's work", 41.8),
  deviation: about(
    v.number(),
    "of the places won from those expected, one standard deviation: chance, and the error of the estimate",
  ),
  places: about(seconds, "places won"),
  expectedReward: about(peg, "for them, 1e-8 PEG"),
  reward: about(peg, "for the places won, 1e-8 PEG"),
  percent: about(
    v.nullable(v.number()),
    "places won per places expected; null where that says nothing: of fewer than 12 blocks, of few places, or of nearly the whole network",
  ),
});

export const blockView = v.strictObject({
  height,
  at: about(instant, "the block's own time, UTC, to the minute"),
  endedAt: about(v.nullable(instant), "when the pool's next job began"),
  version: about(v.number(), "OPR version", 5),
  entries: about(seconds, "records in the block"),
  graded: about(v.boolean(), "enough records for winners"),
  winning: about(seconds, "paid places that are ours"),
  places: about(v.array(seconds), "which ones, 1 is the best"),
  reward: about(peg, "what they pay us, 1e-8 PEG"),
  networkHashrate: about(
    v.nullable(hashrate),
    "estimated from the block's records, hashes per second; null: too few",
  ),
  poolHashrate: about(v.nullable(hashrate), "by credited work, hashes per second; null: the pool had no job"),
  expectedPlaces: about(
    v.nullable(v.number()),
    "paid places by the pool's part of the work; null: not known",
    4.2,
  ),
  state: about(v.nullable(v.picklist(["open", "closing", "sealed"])), "of our job; null: the pool had none"),
  shares: about(v.nullable(count), "credited; null: the pool had no job"),
  work: about(v.nullable(hashes), "credited, hashes; null: the pool had no job"),
  fee: about(v.nullable(peg), "what the pool keeps, 1e-8 PEG; null until sealed"),
  paid: about(v.nullable(peg), "booked to users, 1e-8 PEG"),
  carriedIn: about(v.nullable(peg), "carried from the block before, 1e-8 PEG"),
  carried: about(v.nullable(peg), "carried to the next block with work, 1e-8 PEG"),
  root: about(
    v.nullable(v.string()),
    "of the Merkle-sum tree over the block's work, 64 hex digits; null until sealed",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  ),
  forced: about(v.nullable(v.boolean()), "sealed by the deadline"),
});

export const poolView = v.strictObject({
  name: about(v.string(), "of the pool", "Prosper"),
  version: about(v.string(), "of the program", "0.1.0"),
  at: about(instant, "when these figures were made; UTC, ISO 8601"),
  poolHashrate: about(hashrate, "of the last minutes, hashes per second"),
  hashrateSeconds: about(v.number(), "the span that the pool's hash rate was measured over"),
  lastMinute: about(v.nullable(point), "the newest point of /api/pool/hashrate"),
  networkHashrate: about(v.nullable(hashrate), "of the last blocks, hashes per second; null: not known yet"),
  miners: about(seconds, "users with a share in the last five minutes"),
  workers: about(seconds, "workers with a share in the last five minutes"),
  connections: about(v.nullable(seconds), "open stratum connections, where the edge is in reach"),
  height: about(v.nullable(height), "of the newest graded block"),
  minute: about(v.nullable(seconds), "of the block being made, 0 to 9"),
  stalledSeconds: about(
    v.nullable(seconds),
    "without a block, where three block periods have passed so; null while blocks come",
  ),
  minuteCount: about(seconds, "minutes of a block", 10),
  blockSeconds: about(v.number(), "length of a block", 600),
  feeRate: about(v.nullable(v.string()), "part of a reward that the pool keeps; null: no job yet", "0.05"),
  registration: about(v.picklist(["invite", "open"]), "whether an invite code is needed"),
  job: about(v.nullable(jobView), "what is being mined; null: nothing yet"),
  luck: about(luckView, "places won against places expected"),
  blocks: about(v.array(blockView), "newest first"),
  connect: about(endpointView, "how to mine here"),
});

export const hashrateView = v.strictObject({
  stepSeconds: about(v.number(), "between two points", 60),
  points: about(v.array(point), "oldest first: time, hashes per second"),
});

export const historyView = v.strictObject({ blocks: about(v.array(blockView), "oldest first") });

export const blockListView = v.strictObject({
  blocks: about(v.array(blockView), "newest first"),
  next: nextBlock,
});

export const blockDetailView = v.strictObject({
  block: about(blockView, "as in the list"),
  chain: saidRootsView,
  keyMr: about(
    v.string(),
    "of the entry block, 64 hex digits",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  ),
  ...receiptKeyFields,
  winners: about(
    v.array(
      v.strictObject({
        position: about(seconds, "1 is the best", 1),
        entryHash: entryField,
        difficulty: about(target, "that it reached, 16 hex digits"),
        payout: about(peg, "0: its place is not paid; 1e-8 PEG"),
        identity: about(v.string(), "whose record it is", "Prosper"),
        ours: about(v.boolean(), "it pays this pool"),
      }),
    ),
    "all graded records, the best first",
  ),
});

const submission = v.strictObject({
  entryHash: entryField,
  height,
  target: about(target, "that the share reached, 16 hex digits"),
  state: about(
    v.picklist(["blocked", "pending", "committed", "revealed", "abandoned"]),
    "blocked: better ones were sent; pending: to be sent; committed: paid for; revealed: handed to the network; abandoned: came too late",
  ),
  reason: about(v.nullable(v.string()), "why it was blocked or abandoned; else null", "the block has ended"),
  at: instant,
});

export const submissionListView = v.strictObject({
  submissions: about(v.array(submission), "the newest block first, in it the best first"),
  next: nextBlock,
});

export const adminSubmissionListView = v.strictObject({
  submissions: about(
    v.array(
      v.strictObject({
        ...submission.entries,
        user: userField,
        worker: workerField,
        edge: about(seconds, "number of the edge it came to", 0),
      }),
    ),
    "the newest block first, in it the best first",
  ),
  next: nextBlock,
});
