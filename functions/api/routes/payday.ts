/** Payday's routes: who gets what and why, the file for the key elsewhere, what was signed there, and how far it has come (docs/decisions/payday.md). */

import * as v from "valibot";
import { about } from "../../../shared/about.ts";
import {
  type LeftOut,
  RENEW_AFTER_SECONDS,
  SEND_WITHIN_SECONDS,
  whyLeftOut,
} from "../../../shared/accounting/payout-batch.ts";
import { payoutDigest, signPayout } from "../../../shared/accounting/payout-signature.ts";
import {
  countAdministrators,
  listSent,
  paymentFeed,
  readPaydayEntries,
  readPaydayLines,
} from "../../../shared/db/payday.ts";
import { approvePayout, readApprovals, TWO } from "../../../shared/db/payout-approvals.ts";
import {
  type Payable,
  type PayoutBatch,
  preparedBatch,
  readLines,
  showPayable,
} from "../../../shared/db/payout-batches.ts";
import { payoutCredits } from "../../../shared/factom/payout-credits.ts";
import { iso } from "../figures/pool.ts";
import { field, limitQuery } from "../http/inputs.ts";
import {
  type ApiReply,
  type ApiRoute,
  adminRoute,
  NO_BODY,
  publicRoute,
  refused,
  view,
} from "../http/route.ts";
import type { ApiModules, ApiOptions } from "../options.ts";
import type { PaydayView, PaymentFeedView, PayoutFileView } from "../views/views.ts";

/** Rows of a list on the page; the file has all. */
const LINES = 200;
const LARGEST = 20;
const SENT = 20;
/** Everybody's balance is read for it. */
const PAYABLE_MS = 15_000;
const FEED_SECONDS = 30;

const id = about(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{16}(-\d{1,6})?$/, "expected the id of a payout")),
  "of the payout",
  "9f86d081884c7d65",
);
const hash = about(
  v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 hex digits")),
  "hash of an entry, 64 hex digits",
  "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
);
/** An entry has 10 KB at most, in hex twice as much. */
const entry = v.strictObject({
  entryHash: hash,
  raw: about(
    v.pipe(v.string(), v.maxLength(22_000), v.regex(/^([0-9a-f]{2})+$/, "expected hex")),
    "the signed entry, hex",
    "00",
  ),
  count: about(v.pipe(v.number(), v.integer(), v.minValue(1)), "payments in it", 1),
});

export function paydayRoutes(options: ApiOptions, modules: ApiModules): ApiRoute[] {
  return [showRoute(options, modules), fileRoute(modules), ...workRoutes(modules), feedRoute(modules)];
}

function showRoute(options: ApiOptions, modules: ApiModules): ApiRoute {
  const { db, clock, payday } = modules;
  const { twoAdministrators = false } = options;
  const payable = recently(() => showPayable(db), modules);
  return adminRoute({
    method: "GET",
    path: "/api/admin/payday",
    summary: "What is to be paid, to whom and why; what is prepared; how far what was sent has come",
    reply: "Payday",
    query: {},
    body: NO_BODY,
    run: async () => {
      const [prepared, sent, credits, administrators] = await Promise.all([
        preparedBatch(db),
        listSent(db, SENT),
        payday?.credits(),
        countAdministrators(db),
      ]);
      const [all, payout, onTheWay] = await Promise.all([
        payable(JSON.stringify([prepared?.id, sent.map((one) => [one.id, one.booked])])),
        prepared === undefined ? null : payoutOf(prepared, { twoAdministrators }, modules),
        Promise.all(sent.map(({ id, state }) => (state === "done" ? null : readPaydayEntries(db, id)))),
      ]);
      const { doing, said, failed = null } = payday?.work() ?? { doing: "nothing", said: [] };
      const shown: PaydayView = {
        here: payday !== undefined,
        work: { doing, said: [...said], failed },
        minimum: options.payoutMinimum?.toString() ?? null,
        ...dueOf(all, options.payoutMinimum ?? 0n),
        credits: credits ?? null,
        twoAdministrators,
        administrators,
        payout,
        sent: sent.map(({ madeAtMs, total, entries, ...one }, i) => ({
          ...{ ...one, at: iso(madeAtMs), total: total.toString(), count: entries },
          entries: onTheWay[i]?.map(({ amount, ...row }) => ({ ...row, amount: amount.toString() })) ?? null,
        })),
      };
      return view(shown);
    },
  });

  async function payoutOf(
    batch: PayoutBatch,
    { twoAdministrators }: { readonly twoAdministrators: boolean },
    { receiptKeys }: ApiModules,
  ): Promise<PaydayView["payout"]> {
    const { id, saltSeconds, total } = batch;
    const [all, lines, approvals, keys] = await Promise.all([
      readLines(db, id),
      readPaydayLines(db, id, LINES),
      readApprovals(db, id),
      receiptKeys?.(),
    ]);
    return {
      id,
      at: iso(batch.madeAtMs),
      signBefore: iso((saltSeconds + SEND_WITHIN_SECONDS) * 1000),
      total: total.toString(),
      users: all.length,
      credits: payoutCredits(all, saltSeconds),
      digest: payoutDigest({ saltSeconds, lines: all }),
      isFile: keys !== undefined && isFresh(batch, clock.wallMs()),
      agreed: [...approvals.by],
      needed: Math.max(approvals.needed, twoAdministrators ? TWO : 0),
      lines: lines.map(({ user, address, amount, earned, adjusted, carried, lastAmount, lastAddress }) => ({
        ...{
          user,
          address,
          amount: amount.toString(),
          earned: earned.toString(),
          adjusted: adjusted.toString(),
        },
        carried: carried.toString(),
        lastAmount: lastAmount?.toString() ?? null,
        lastAddress,
      })),
    };
  }
}

/** What is signed later cannot be sent in time. */
function isFresh({ saltSeconds }: PayoutBatch, nowMs: number): boolean {
  return nowMs / 1000 - saltSeconds <= RENEW_AFTER_SECONDS;
}

/** The newest answer, for a while and as long as `key` is the same: pages ask again and again. */
function recently<T>(read: () => Promise<T>, { clock }: ApiModules): (key: string) => Promise<T> {
  let kept: { readonly key: string; readonly atMs: number; readonly answer: Promise<T> } | undefined;
  return (key) => {
    if (kept === undefined || kept.key !== key || clock.monotonicMs() - kept.atMs > PAYABLE_MS) {
      const answer = read();
      kept = { key, atMs: clock.monotonicMs(), answer };
      answer.catch(() => {
        kept = undefined;
      });
    }
    return kept.answer;
  };
}

function dueOf(all: readonly Payable[], minimum: bigint): Pick<PaydayView, "due" | "left"> {
  const sum = (some: readonly Payable[]): string =>
    some.reduce((total, { amount }) => total + amount, 0n).toString();
  // Once for each: a check of an address takes ten microseconds.
  const judged = all.map((one) => ({ one, why: whyLeftOut(one, minimum) }));
  const of = (wanted: LeftOut | undefined): Payable[] =>
    judged.filter(({ why }) => why === wanted).map(({ one }) => one);
  const due = of(undefined);
  const whys = ["minimum", "held", "no-address", "bad-address", "overpaid"] as const;
  const left = whys.map((why) => {
    const some = of(why);
    const largest = some.toSorted((a, b) => Number(size(b.amount) - size(a.amount))).slice(0, LARGEST);
    return {
      ...{ why, users: some.length, total: sum(some) },
      largest: largest.map(({ user, amount }) => ({ user, amount: amount.toString() })),
    };
  });
  return { due: { users: due.length, total: sum(due) }, left: left.filter(({ users }) => users > 0) };
}

const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

function fileRoute({ db, clock, receiptKeys }: ApiModules): ApiRoute {
  return adminRoute({
    method: "GET",
    path: "/api/admin/payday/file",
    summary: "The prepared payout as a file for `prosper payout sign`, signed by the pool",
    reply: "PayoutFile",
    refuses: ["404 not-prepared", "409 no-key", "409 too-old"],
    query: {},
    body: NO_BODY,
    run: async () => {
      const batch = await preparedBatch(db);
      if (batch === undefined) return refused("404 not-prepared", "no payout is prepared");
      const keys = await receiptKeys?.();
      if (keys === undefined)
        return refused("409 no-key", "the pool's receipt key is not here: use `prosper payout prepare`");
      if (!isFresh(batch, clock.wallMs()))
        return refused("409 too-old", "this list is too old to be signed: prepare it again");
      const lines = (await readLines(db, batch.id)).map(({ entry: _, ...line }) => line);
      const { id, saltSeconds } = batch;
      return view({
        ...{ prosper: "payout", version: 2, id, saltSeconds },
        lines: lines.map(({ user, address, amount, totalOwed, totalPaid }) => ({
          ...{ user, address, amount: amount.toString() },
          ...{ totalOwed: totalOwed.toString(), totalPaid: totalPaid.toString() },
        })),
        signature: signPayout({ saltSeconds, lines }, keys.signing),
      } satisfies PayoutFileView);
    },
  });
}

function workRoutes({ db, logger, payday }: ApiModules): ApiRoute[] {
  const elsewhere = refused(
    "409 not-here",
    "the pool does not run in this process: use `prosper payout` where its settings and nodes are",
  );
  const begun = (isBegun: boolean): ApiReply<"409 busy"> =>
    isBegun ? view({ ok: true }) : refused("409 busy", "something else is being done: try again in a moment");
  return [
    adminRoute({
      method: "POST",
      path: "/api/admin/payday/prepare",
      summary:
        "Begin to prepare a payout of everything that is due; it takes the place of one that is prepared",
      reply: "Ok",
      refuses: ["409 not-here", "409 busy"],
      query: {},
      body: NO_BODY,
      run: async ({ session }) =>
        payday === undefined ? elsewhere : begun(payday.prepare(session.user.name)),
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/payday/approve",
      summary: "Agree to the prepared payout; nobody agrees twice, nor to what they prepared",
      reply: "Ok",
      refuses: ["409 again", "409 gone"],
      query: {},
      body: v.strictObject({ id }),
      run: async ({ session, body }) => {
        const by = session.user.name;
        switch (await approvePayout(db, body.id, by)) {
          case "approved":
            logger.warn("an administrator agreed to a payout", { admin: by, payout: body.id });
            return view({ ok: true });
          case "again":
            return refused("409 again", "you have agreed to it before: another administrator must");
          case "gone":
            return refused("409 gone", "this payout no longer waits to be sent");
        }
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/payday/signed",
      summary:
        "An entry of the signed payout, one after the other in the file's order; with the last one the sending begins",
      reply: "Took",
      refuses: ["409 not-here", "409 refused"],
      query: {},
      body: v.strictObject({
        id,
        source: field("FA…, as in the signed file", "FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q"),
        no: about(v.pipe(v.number(), v.integer(), v.minValue(0)), "its place in the file, from 0", 0),
        entry: about(entry, "as it stands there"),
      }),
      run: async ({ session, body }) => {
        if (payday === undefined) return elsewhere;
        const took = await payday.take(body, session.user.name);
        if (took.kind === "refused") return refused("409 refused", took.why);
        if (took.kind === "sending")
          logger.warn("an administrator has a payout sent", { admin: session.user.name, payout: body.id });
        return view({ sending: took.kind === "sending" });
      },
    }),
    adminRoute({
      method: "POST",
      path: "/api/admin/payday/confirm",
      summary:
        "Look on the chain now for what was sent, send again what is not there, and book what has paid",
      reply: "Ok",
      refuses: ["409 not-here", "409 busy"],
      query: {},
      body: NO_BODY,
      run: async () => (payday === undefined ? elsewhere : begun(payday.confirm())),
    }),
  ];
}

function feedRoute({ db }: ApiModules): ApiRoute {
  return publicRoute({
    method: "GET",
    path: "/api/pool/payments",
    summary: "Every payment to miners, entry by entry, newest first",
    reply: "PaymentFeed",
    query: {
      limit: limitQuery,
      before: about(v.optional(hash), "only what is older: `next` of the page before"),
    },
    body: NO_BODY,
    keepSeconds: FEED_SECONDS,
    run: async ({ query }) => {
      const rows = await paymentFeed(db, query.limit, query.before);
      return view({
        payments: rows.map(({ entryHash, atMs, users, amount }) => ({
          ...{ entryHash, at: iso(atMs), users, amount: amount.toString() },
        })),
        next: rows.length < query.limit ? null : (rows.at(-1)?.entryHash ?? null),
      } satisfies PaymentFeedView);
    },
  });
}
