/** Faults in the books, and in what reads and pays by them: sums, seals, payouts, prices. */

import type { Mutation } from "./mutation.ts";

export const OF_BOOKS: readonly Mutation[] = [
  {
    name: "sealed-without-markers",
    breaks: "a job is sealed while work for it is under way",
    file: "shared/accounting/seal.ts",
    replace: [["if (missing.length === 0) return", "if (missing.length >= 0) return"]],
    within: 10,
  },
  {
    name: "dust",
    breaks: "the rest of a division goes to nobody",
    file: "shared/accounting/split.ts",
    replace: [["(favoured.has(index) ? 1n : 0n)", "0n"]],
    within: 10,
  },
  {
    name: "carry-forgotten",
    breaks: "a reward without work is lost",
    file: "shared/accounting/split.ts",
    replace: [["const shared = reward - fee + carriedIn;", "const shared = reward - fee;"]],
    within: 100,
  },
  {
    name: "no-dedupe-of-deltas",
    breaks: "a delta that comes twice is added twice",
    file: "test/support/model/deltas.ts",
    replace: [["if (known === undefined) fresh.push(", "fresh.push("]],
    within: 10,
  },
  {
    name: "no-lock-on-the-job",
    breaks: "sums change while they are sealed",
    file: "test/support/model/deltas.ts",
    replace: [
      ['message.job}`, "share");', 'message.job}/unlocked`, "share");'],
      ['candidate.height}`, "share");', 'candidate.height}/unlocked`, "share");'],
    ],
    plan: {
      pauseMs: 400,
      miners: 7,
      functions: 2,
      faults: ["slow-queue", "queue-away"],
      faultEveryMs: 4_000,
      duplicates: 0.6,
    },
    within: 60,
  },
  {
    name: "refused-shares-booked-as-work",
    breaks: "a refused share writes a row",
    file: "test/support/model/names.ts",
    replace: [
      [
        "row.shares === 0 && sums?.has(keyOf(row)) !== true ? [place] : []",
        "row.shares < 0 && sums === undefined ? [place] : []",
      ],
    ],
    within: 40,
  },
  {
    name: "the-rest-not-paid",
    breaks: "work of a name too many is lost",
    file: "test/support/model/names.ts",
    replace: [
      [
        ".map((row, place) => (folded.includes(place) ? { ...row, worker: REST_WORKER } : row))",
        ".filter((_, place) => !folded.includes(place))",
      ],
    ],
    within: 100,
  },
  {
    name: "late-winners-counted-as-sent",
    breaks: "who sends winners late is taken for honest",
    file: "shared/accounting/withholding.ts",
    replace: [["share.reached > threshold && !share.late ? 1 : 0", "share.reached > threshold ? 1 : 0"]],
    within: 100,
  },
  {
    name: "paid-without-looking",
    breaks: "more is paid out than is owed",
    file: "test/support/model/books.ts",
    replace: [['await tx.lock(RECORDING, "exclusive");', "void RECORDING;"]],
    within: 100,
  },
  {
    name: "payout-signed-unseen",
    breaks: "a payout file that was changed on its way is signed",
    file: "infra/cli/payout/sign.ts",
    replace: [
      [
        "if (isPayoutOf(poolKey, prepared, prepared.signature) && isUntouched(prepared)) return;",
        "if (isUntouched(prepared)) return;",
      ],
    ],
    within: 10,
  },
  {
    name: "payout-not-compared-with-the-chain",
    breaks: "a restored database pays the same money again",
    file: "infra/cli/payout/compare.ts",
    replace: [["if (unbooked.length > 0) throw await unbookedError(unbooked, modules.db);", ""]],
    plan: { faults: ["restored-database"], faultEveryMs: 4_000, blocks: 5 },
    within: 40,
  },
  {
    name: "payouts-on-their-way-not-compared",
    breaks: "a database restored within a block of a payout pays it again",
    file: "infra/cli/payout/compare.ts",
    replace: [
      [
        "const { found, unread } = await readPending(new Set(sources), modules);",
        "const found: OutgoingEntry[] = []; const unread: string[] = [];",
      ],
      [
        "const left: readonly string[] = (awaited ?? unread).filter((hash) => unread.includes(hash));",
        "const left: readonly string[] = [];",
      ],
    ],
    plan: { faults: ["restored-database"], faultEveryMs: 4_000, blocks: 5 },
    within: 40,
  },
  {
    name: "invite-claimed-without-a-lock",
    breaks: "one code makes two users",
    file: "test/support/model/books.ts",
    replace: [['code}`, "exclusive");', 'code}`, "share");']],
    within: 100,
  },
  {
    name: "prices-by-time",
    breaks: "after the wall clock went back job after job is made of one price row",
    file: "shared/db/prices.ts",
    replace: [["FROM prices ORDER BY prices.id DESC", "FROM prices ORDER BY at DESC, id DESC"]],
    within: 300,
  },
  {
    name: "prices-from-the-future-are-fresh",
    breaks: "a price row of any age makes a job after the database's clock went back",
    file: "shared/db/prices.ts",
    replace: [["return ageMs < -FUTURE_SLACK_MS;", "return ageMs < Number.NEGATIVE_INFINITY;"]],
    plan: { faults: ["database-clock-jump", "no-prices"], faultEveryMs: 1_500, blocks: 5 },
    within: 40,
  },
  {
    name: "deadline-by-the-wall-clock",
    breaks: "a healthy job is sealed by the deadline when the wall clock goes ahead",
    file: "functions/accounting/sealer.ts",
    replace: [
      [
        "const decision = decideSeal(candidate, options.deadlineMs);",
        "const seen = (options.seen ??= new Map());" +
          "if (candidate.closed && !seen.has(candidate.height)) seen.set(candidate.height, modules.clock.wallMs());" +
          "const closedMs = modules.clock.wallMs() - (seen.get(candidate.height) ?? modules.clock.wallMs());" +
          "const decision = decideSeal({ ...candidate, closedMs }, options.deadlineMs);",
      ],
    ],
    plan: { faults: ["wall-clock-jump", "slow-queue"], faultEveryMs: 1_500, functions: 1 },
    within: 40,
  },
  {
    name: "deadline-as-one-difference",
    breaks: "a healthy job is sealed by the deadline when the database's clock goes ahead",
    file: "test/support/model/statements.ts",
    replace: [["Math.min(longestMs, sinceMs(job) ?? 0)", "sinceMs(job) ?? 0"]],
    within: 300,
  },
];
