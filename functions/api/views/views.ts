/** The shapes of the REST API's answers, one schema each. The types, the OpenAPI document and the tests are made from them. */

import * as v from "valibot";
import { proofFile } from "../../../shared/proofs/proof-file.ts";
import { apiTokensView, apiTokenView, sessionsView } from "./access.ts";
import {
  adjustedView,
  adjustmentPreviewView,
  adjustmentsView,
  adminLogView,
  barsView,
  doctorView,
  invitesView,
  inviteView,
  minersView,
  noticesView,
  usersView,
  withholdingView,
} from "./admin.ts";
import { alertAddedView, alertsView } from "./alerts.ts";
import { archiveListView } from "./archive.ts";
import { connectionView } from "./connection.ts";
import { blocksExportView, earningsExportView, paymentsExportView, workersExportView } from "./exports.ts";
import {
  about,
  count,
  decimal,
  hashes,
  hashrate,
  height,
  instant,
  notice,
  peg,
  point,
  seconds,
} from "./fields.ts";
import { paydayView, paymentFeedView, payoutFileView, tookView } from "./payday.ts";
import { receiptKeyFields, rootsView, saidRootsView } from "./roots.ts";
import { myWorkersView, workerDetailView, workerHistoryView, workerView } from "./worker.ts";

export const endpointView = v.strictObject({
  stratum: about(v.string(), "host:port for miners, without TLS"),
  stratumTls: about(v.nullable(v.string()), "host:port for miners by TLS"),
  /** Shown with a copy button, in this order. */
  commands: v.array(
    v.strictObject({
      by: about(
        v.picklist(["package", "clone", "go"]),
        "package: served by this pool, needs only Node; clone: in a clone of the project; go: with the Go miner",
      ),
      title: v.string(),
      command: about(v.string(), "NAME and RIG stand for the user's and the machine's name"),
      note: v.string(),
    }),
  ),
  userName: about(v.string(), "what a user name may be"),
});

/** See PriceBasis and QuoteFate in shared/prices. */
const basis = v.picklist(["quotes", "last-good", "thin", "fixed", "carried", "zero"]);
export const priceView = v.strictObject({
  asset: v.string(),
  price: about(decimal, "1e-8 USD"),
  basis: about(
    v.nullable(basis),
    "quotes: enough sources agree; last-good: what they gave within half an hour; thin: too few, and nothing better; " +
      "fixed: set by the operator; carried: of the last graded block; zero: without a price in this version; null: not recorded",
  ),
  source: about(v.nullable(v.string()), "whose quote is the price"),
  pricedAt: about(v.nullable(instant), "when that quote, or the older price, was made"),
  agreeing: about(v.pipe(v.number(), v.integer()), "sources whose quotes agree"),
  closed: about(v.boolean(), "its market rests: the last quote before closing stays good"),
  single: about(v.boolean(), "one source alone speaks for it, which the configuration allows"),
});

export const jobView = v.strictObject({
  height,
  version: about(v.number(), "OPR version"),
  oprHash: v.string(),
  since: instant,
  pricesAt: v.nullable(instant),
  prices: v.array(priceView),
});

export const quoteListView = v.strictObject({
  height,
  pricesAt: v.nullable(instant),
  assets: v.array(
    v.strictObject({
      ...priceView.entries,
      quotes: v.array(
        v.strictObject({
          source: v.string(),
          price: about(v.string(), "USD"),
          ageSeconds: v.number(),
          fate: about(
            v.string(),
            "used, agreed, doubted (too few agree), outside (of the band), later-tier (older, heard as a check), stale, no-tether, " +
              "absurd, deviant (too far from the other sources) or jumped (too far from the last block, unseen by others)",
          ),
        }),
      ),
    }),
  ),
});

export const luckView = v.strictObject({
  blocks: about(seconds, "graded blocks it is reckoned over"),
  expectedPlaces: v.number(),
  deviation: about(v.number(), "of the expected places, one standard deviation"),
  places: about(seconds, "places won"),
  expectedReward: peg,
  reward: peg,
  percent: about(v.nullable(v.number()), "places won per places expected; null without expectation"),
});

export const blockView = v.strictObject({
  height,
  at: about(v.pipe(v.string(), v.isoTimestamp()), "the block's own time, UTC, to the minute"),
  endedAt: about(v.nullable(instant), "when the pool's next job began"),
  version: v.number(),
  entries: about(seconds, "records in the block"),
  graded: v.boolean(),
  winning: about(seconds, "paid places that are ours"),
  places: about(v.array(seconds), "which ones, 1 is the best"),
  reward: about(peg, "what they pay us, 1e-8 PEG"),
  networkHashrate: v.nullable(hashrate),
  poolHashrate: v.nullable(hashrate),
  expectedPlaces: v.nullable(v.number()),
  state: about(v.nullable(v.picklist(["open", "closing", "sealed"])), "of our job; null: the pool had none"),
  shares: v.nullable(count),
  work: v.nullable(hashes),
  fee: v.nullable(peg),
  paid: about(v.nullable(peg), "booked to users, 1e-8 PEG"),
  carriedIn: v.nullable(peg),
  carried: about(v.nullable(peg), "carried to the next block with work, 1e-8 PEG"),
  root: about(v.nullable(v.string()), "of the Merkle-sum tree over the block's work"),
  forced: about(v.nullable(v.boolean()), "sealed by the deadline"),
});

export const poolView = v.strictObject({
  name: v.string(),
  version: v.string(),
  at: instant,
  poolHashrate: hashrate,
  hashrateSeconds: about(v.number(), "the span that the pool's hash rate was measured over"),
  lastMinute: about(v.nullable(point), "the newest point of /api/pool/hashrate"),
  networkHashrate: v.nullable(hashrate),
  miners: about(seconds, "users with a share in the last five minutes"),
  workers: about(seconds, "workers with a share in the last five minutes"),
  connections: about(v.nullable(seconds), "open stratum connections, where the edge is in reach"),
  height: about(v.nullable(height), "of the newest graded block"),
  minute: about(v.nullable(seconds), "of the block being made, 0 to 9"),
  stalledSeconds: about(
    v.nullable(seconds),
    "without a block, where three block periods have passed so; null while blocks come",
  ),
  minuteCount: seconds,
  blockSeconds: v.number(),
  feeRate: about(v.nullable(v.string()), "part of a reward that the pool keeps"),
  registration: v.picklist(["invite", "open"]),
  job: v.nullable(jobView),
  luck: luckView,
  blocks: about(v.array(blockView), "newest first"),
  connect: endpointView,
});

export const hashrateView = v.strictObject({
  stepSeconds: v.number(),
  points: about(v.array(point), "oldest first: time, hashes per second"),
});

export const historyView = v.strictObject({ blocks: about(v.array(blockView), "oldest first") });

export const blockListView = v.strictObject({
  blocks: about(v.array(blockView), "newest first"),
  next: about(v.nullable(height), "ask for more with before= this"),
});

export const blockDetailView = v.strictObject({
  block: blockView,
  chain: saidRootsView,
  keyMr: v.string(),
  ...receiptKeyFields,
  winners: v.array(
    v.strictObject({
      position: seconds,
      entryHash: v.string(),
      difficulty: about(v.string(), "16 hex digits"),
      payout: peg,
      identity: v.string(),
      ours: v.boolean(),
    }),
  ),
});

export const submissionListView = v.strictObject({
  submissions: v.array(
    v.strictObject({
      entryHash: v.string(),
      height,
      target: about(v.string(), "16 hex digits"),
      state: v.picklist(["blocked", "pending", "committed", "revealed", "abandoned"]),
      reason: v.nullable(v.string()),
      at: instant,
    }),
  ),
  next: v.nullable(height),
});

export const adminSubmissionListView = v.strictObject({
  submissions: v.array(
    v.strictObject({
      ...submissionListView.entries.submissions.item.entries,
      user: v.string(),
      worker: v.string(),
      edge: seconds,
    }),
  ),
  next: v.nullable(height),
});

export const sessionView = v.strictObject({
  user: v.nullable(
    v.strictObject({
      name: v.string(),
      admin: v.boolean(),
      payoutAddress: v.nullable(v.string()),
      twoFactor: about(v.boolean(), "a code is asked for at login"),
    }),
  ),
  notices: about(v.array(notice), "what the operator tells everybody"),
});

export const enrolmentView = v.strictObject({
  secret: about(v.string(), "base32, for typing into an authenticator app"),
  uri: about(v.string(), "otpauth://, for a QR code"),
});
export const recoveryCodesView = v.strictObject({
  recoveryCodes: about(v.array(v.string()), "each logs in once without the authenticator; shown this once"),
});

export const meView = v.strictObject({
  name: v.string(),
  payoutAddress: v.nullable(v.string()),
  owed: peg,
  booked: peg,
  adjusted: peg,
  paidOut: peg,
  pending: about(peg, "estimated from blocks that are not sealed, 1e-8 PEG"),
  pendingBlocks: v.array(
    v.strictObject({
      height,
      shares: count,
      part: about(v.number(), "of the pool's work so far, 0 to 1"),
      estimate: peg,
      rewardKnown: v.boolean(),
    }),
  ),
  hashrateShort: hashrate,
  hashrateLong: hashrate,
  shortSeconds: v.number(),
  longSeconds: v.number(),
  rejectRate: about(
    v.nullable(v.number()),
    "refused shares of all in the long window, 0 to 1: of your own workers where there are any",
  ),
  workers: about(v.array(workerView), "the first 50: the rest are in /api/me/workers"),
  workerCounts: v.strictObject({
    shown: about(seconds, "workers, but for the hidden ones and the row for the rest"),
    online: about(seconds, "of those, not offline"),
    low: seconds,
    offline: seconds,
    recovered: seconds,
    hidden: seconds,
  }),
  waiting: about(
    v.array(v.strictObject({ name: v.string(), lastHeard: instant })),
    "workers that are paid in the row for the rest until you confirm them, the last heard of first",
  ),
});

export const myBlocksView = v.strictObject({
  blocks: v.array(
    v.strictObject({
      height,
      at: instant,
      state: v.picklist(["open", "closing", "sealed"]),
      shares: count,
      rejected: count,
      work: hashes,
      hashrate: v.nullable(hashrate),
      part: about(v.nullable(v.number()), "of the pool's work, 0 to 1; null until sealed"),
      amount: v.nullable(peg),
    }),
  ),
  next: v.nullable(height),
});

export const myPaymentsView = v.strictObject({
  payments: v.array(v.strictObject({ at: instant, amount: peg, address: v.string(), entryHash: v.string() })),
  onTheWay: about(
    v.array(v.strictObject({ at: instant, amount: peg, address: v.string(), entryHash: v.string() })),
    "sent, and not confirmed by the chain yet",
  ),
  adjustments: v.array(v.strictObject({ at: instant, amount: peg, reason: v.string() })),
});

export const okView = v.strictObject({ ok: v.literal(true) });
export const healthView = v.strictObject({ ok: v.boolean(), checks: v.record(v.string(), v.string()) });
export const errorView = v.strictObject({
  error: v.strictObject({ code: about(v.string(), "stable, for programs"), message: v.string() }),
});

/** Every view by the name it has in the OpenAPI document. */
export const VIEWS = {
  Pool: poolView,
  QuoteList: quoteListView,
  Hashrate: hashrateView,
  History: historyView,
  BlockList: blockListView,
  BlockDetail: blockDetailView,
  SubmissionList: submissionListView,
  ArchiveList: archiveListView,
  Roots: rootsView,
  AdminSubmissionList: adminSubmissionListView,
  Session: sessionView,
  Enrolment: enrolmentView,
  RecoveryCodes: recoveryCodesView,
  ApiTokens: apiTokensView,
  ApiToken: apiTokenView,
  Sessions: sessionsView,
  Me: meView,
  MyWorkers: myWorkersView,
  WorkerDetail: workerDetailView,
  WorkerHistory: workerHistoryView,
  Alerts: alertsView,
  AlertAdded: alertAddedView,
  MyBlocks: myBlocksView,
  MyPayments: myPaymentsView,
  BlocksExport: blocksExportView,
  EarningsExport: earningsExportView,
  PaymentsExport: paymentsExportView,
  WorkersExport: workersExportView,
  Miners: minersView,
  Users: usersView,
  Proof: proofFile,
  Connection: connectionView,
  Adjustments: adjustmentsView,
  AdjustmentPreview: adjustmentPreviewView,
  Bars: barsView,
  Notices: noticesView,
  Doctor: doctorView,
  Payday: paydayView,
  PayoutFile: payoutFileView,
  Took: tookView,
  PaymentFeed: paymentFeedView,
  Adjusted: adjustedView,
  AdminLog: adminLogView,
  Withholding: withholdingView,
  Invites: invitesView,
  Invite: inviteView,
  Ok: okView,
  Health: healthView,
  Error: errorView,
} as const;

export type ViewName = keyof typeof VIEWS;
export type PoolView = v.InferOutput<typeof poolView>;
export type PriceView = v.InferOutput<typeof priceView>;
export type JobView = v.InferOutput<typeof jobView>;
export type QuoteListView = v.InferOutput<typeof quoteListView>;
export type LuckView = v.InferOutput<typeof luckView>;
export type BlockView = v.InferOutput<typeof blockView>;
export type HashrateView = v.InferOutput<typeof hashrateView>;
export type HistoryView = v.InferOutput<typeof historyView>;
export type BlockListView = v.InferOutput<typeof blockListView>;
export type BlockDetailView = v.InferOutput<typeof blockDetailView>;
export type SubmissionListView = v.InferOutput<typeof submissionListView>;
export type AdminSubmissionListView = v.InferOutput<typeof adminSubmissionListView>;
export type SessionView = v.InferOutput<typeof sessionView>;
export type MeView = v.InferOutput<typeof meView>;
export type MyBlocksView = v.InferOutput<typeof myBlocksView>;
export type MyPaymentsView = v.InferOutput<typeof myPaymentsView>;
export type MinersView = v.InferOutput<typeof minersView>;
export type UsersView = v.InferOutput<typeof usersView>;
export type AdjustmentsView = v.InferOutput<typeof adjustmentsView>;
export type WithholdingView = v.InferOutput<typeof withholdingView>;
export type AdminLogView = v.InferOutput<typeof adminLogView>;
export type AdjustedView = v.InferOutput<typeof adjustedView>;
export type AdjustmentPreviewView = v.InferOutput<typeof adjustmentPreviewView>;
export type BarsView = v.InferOutput<typeof barsView>;
export type NoticesView = v.InferOutput<typeof noticesView>;
export type DoctorView = v.InferOutput<typeof doctorView>;
export type InvitesView = v.InferOutput<typeof invitesView>;
export type InviteView = v.InferOutput<typeof inviteView>;
export type PaydayView = v.InferOutput<typeof paydayView>;
export type PayoutFileView = v.InferOutput<typeof payoutFileView>;
export type PaymentFeedView = v.InferOutput<typeof paymentFeedView>;
