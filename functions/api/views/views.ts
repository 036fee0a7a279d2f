/** The shapes of the REST API's answers, one schema each. The types, the OpenAPI document and the tests are made from them. */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import { proofFile } from "../../../shared/proofs/proof-file.ts";
import { addressView, apiTokensView, apiTokenView, sessionsView } from "./access.ts";
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
import { earningsTruthView } from "./earnings.ts";
import { blocksExportView, earningsExportView, paymentsExportView, workersExportView } from "./exports.ts";
import {
  count,
  entryField,
  faField,
  hashes,
  hashrate,
  height,
  instant,
  nextBlock,
  notice,
  peg,
  seconds,
  userField,
  workerField,
} from "./fields.ts";
import { paydayView, paymentFeedView, payoutFileView, tookView } from "./payday.ts";
import {
  adminSubmissionListView,
  blockDetailView,
  blockListView,
  type blockView,
  hashrateView,
  historyView,
  type jobView,
  type luckView,
  poolView,
  type priceView,
  quoteListView,
  submissionListView,
} from "./pool.ts";
import { foundMinersView, shownView } from "./public-miner.ts";
import { rootsView } from "./roots.ts";
import { statusView } from "./status.ts";
import { storiesView } from "./story.ts";
import { myWorkersView, refusedView, workerDetailView, workerHistoryView, workerView } from "./worker.ts";

export const sessionView = v.strictObject({
  user: about(
    v.nullable(
      v.strictObject({
        name: userField,
        admin: about(v.boolean(), "is an administrator"),
        payoutAddress: about(v.nullable(faField), "null: none given"),
        twoFactor: about(v.boolean(), "a code is asked for at login"),
      }),
    ),
    "null: nobody is logged in",
  ),
  notices: about(v.array(notice), "what the operator tells everybody"),
});

export const enrolmentView = v.strictObject({
  secret: about(
    v.string(),
    "base32, for typing into an authenticator app",
    "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  ),
  uri: about(
    v.string(),
    "otpauth://, for a QR code",
    "otpauth://totp/Prosper:ann?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
  ),
});
export const recoveryCodesView = v.strictObject({
  recoveryCodes: about(v.array(v.string()), "each logs in once without the authenticator; shown this once", [
    "k7q2m-4xw9r",
  ]),
});

export const meView = v.strictObject({
  name: userField,
  payoutAddress: about(v.nullable(faField), "null: none given"),
  owed: about(peg, "booked and adjusted less paid, 1e-8 PEG"),
  booked: about(peg, "earned in sealed blocks, 1e-8 PEG"),
  adjusted: about(peg, "corrections by the operator, 1e-8 PEG"),
  paidOut: about(peg, "paid so far, 1e-8 PEG"),
  pending: about(peg, "estimated from blocks that are not sealed, 1e-8 PEG"),
  pendingBlocks: about(
    v.array(
      v.strictObject({
        height,
        shares: about(count, "your credited shares"),
        part: about(v.number(), "of the pool's work so far, 0 to 1", 0.25),
        estimate: about(peg, "of your reward, 1e-8 PEG"),
        rewardKnown: about(v.boolean(), "the block is graded; false: the estimate goes by the blocks before"),
      }),
    ),
    "blocks whose books are not sealed",
  ),
  hashrateShort: about(hashrate, "of the short window, hashes per second"),
  hashrateLong: about(hashrate, "of the long window, hashes per second"),
  shortSeconds: about(v.number(), "length of the short window", 600),
  longSeconds: about(v.number(), "length of the long window", 3600),
  rejectRate: about(
    v.nullable(v.number()),
    "refused shares of all in the long window, 0 to 1: of your own workers where there are any",
  ),
  workers: about(v.array(workerView), "the first 50: the rest are in /api/me/workers"),
  workerCounts: about(
    v.strictObject({
      shown: about(seconds, "workers, but for the hidden ones and the row for the rest"),
      online: about(seconds, "of those, not offline"),
      low: about(seconds, "of those, clearly under their usual hash rate"),
      offline: about(seconds, "of those, silent for longer than chance explains"),
      recovered: about(seconds, "of those, low or offline within the last hour"),
      hidden: about(seconds, "not listed until they work again"),
    }),
    "how many there are of each state",
  ),
  waiting: about(
    v.array(
      v.strictObject({ name: workerField, lastHeard: about(instant, "its last login; UTC, ISO 8601") }),
    ),
    "workers that are paid in the row for the rest until you confirm them, the last heard of first",
  ),
});

export const myBlocksView = v.strictObject({
  blocks: about(
    v.array(
      v.strictObject({
        height,
        at: about(instant, "when its job began; UTC, ISO 8601"),
        state: about(v.picklist(["open", "closing", "sealed"]), "sealed: its books are final"),
        shares: about(count, "your credited shares"),
        rejected: about(count, "your refused shares"),
        work: about(hashes, "your credited work, hashes"),
        hashrate: about(
          v.nullable(hashrate),
          "over the block, hashes per second; null: its end is not known",
        ),
        part: about(v.nullable(v.number()), "of the pool's work, 0 to 1; null until sealed", 0.25),
        amount: about(v.nullable(peg), "your reward, 1e-8 PEG; null until sealed"),
      }),
    ),
    "newest first",
  ),
  next: nextBlock,
});

const payment = v.strictObject({ at: instant, amount: peg, address: faField, entryHash: entryField });
export const myPaymentsView = v.strictObject({
  payments: about(v.array(payment), "booked, newest first"),
  onTheWay: about(v.array(payment), "sent, and not confirmed by the chain yet"),
  adjustments: about(
    v.array(
      v.strictObject({
        at: instant,
        amount: about(peg, "below 0: taken away; 1e-8 PEG"),
        reason: about(v.string(), "by the operator", "paid twice on 3 May"),
      }),
    ),
    "corrections, newest first",
  ),
});

export const okView = v.strictObject({ ok: about(v.literal(true), "it was done") });
export const healthView = v.strictObject({
  ok: about(v.boolean(), "every check passes"),
  checks: about(v.record(v.string(), v.string()), "ok, or what is wrong, by the name of the part", {
    database: "ok",
  }),
});
export const errorView = v.strictObject({
  error: about(
    v.strictObject({
      code: about(v.string(), "stable, for programs", "bad-input"),
      message: about(v.string(), "for people, in English", "query limit: expected a number from 1 to 200"),
    }),
    "why nothing was answered",
  ),
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
  Address: addressView,
  ApiTokens: apiTokensView,
  ApiToken: apiTokenView,
  Sessions: sessionsView,
  Me: meView,
  MyWorkers: myWorkersView,
  WorkerDetail: workerDetailView,
  WorkerHistory: workerHistoryView,
  Refused: refusedView,
  Stories: storiesView,
  FoundMiners: foundMinersView,
  Shown: shownView,
  Alerts: alertsView,
  AlertAdded: alertAddedView,
  MyBlocks: myBlocksView,
  MyPayments: myPaymentsView,
  EarningsTruth: earningsTruthView,
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
  Status: statusView,
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
