/** Faults in what an edge keeps and hands over: the journal, deltas, markers, its lease. */

import type { Mutation } from "./mutation.ts";

export const OF_RECORDS: readonly Mutation[] = [
  {
    name: "present-epoch-closed-as-an-earlier-one",
    breaks: "a share is taken under an epoch whose close marker is on its way",
    file: "edge/shares/ledger.ts",
    // Asked again and again, so that it need not fall into the one moment after a start with the database away.
    replace: [
      ["if (key.slot === present?.slot && key.epoch >= present.epoch) continue;", ""],
      ["      this.#owedFound = true;\n", ""],
    ],
    plan: { everyMs: 120, syncMs: 40, faultEveryMs: 2_000, faults: ["database-clock-jump"] },
    within: 150,
  },
  {
    name: "acknowledged-before-fsync",
    breaks: "a power cut takes what was acknowledged",
    file: "edge/journal/journal.ts",
    replace: [["await this.#sync(segment.file);", "void this.#sync(segment.file).catch(() => undefined);"]],
    plan: { everyMs: 250, faults: ["power-cut"], faultEveryMs: 700 },
    within: 40,
  },
  {
    name: "fsync-tried-again",
    breaks: "after a failed fsync the second says yes to what is lost",
    file: "edge/journal/journal.ts",
    replace: [["      await file.sync();\n", "      await file.sync().catch(() => file.sync());\n"]],
    plan: { everyMs: 250, faults: ["failing-sync", "power-cut"], faultEveryMs: 1_500 },
    within: 100,
  },
  {
    name: "half-record-left-after-a-full-disk",
    breaks: "what follows half a record cannot be read",
    file: "edge/journal/journal.ts",
    replace: [["await segment.file.truncate(segment.bytes);", ""]],
    plan: { everyMs: 250, faults: ["disk-full", "kill-edge"], faultEveryMs: 1_500 },
    within: 60,
  },
  {
    name: "names-not-synced",
    breaks: "a power cut takes a new file's name",
    file: "edge/journal/journal.ts",
    replace: [["path);\n      await disk.syncFolder(this.#options.folder);", "path);"]],
    within: 200,
  },
  {
    name: "page-cache-trusted-at-recovery",
    breaks: "records that only the page cache had are taken for durable",
    file: "edge/journal/read-journal.ts",
    replace: [["if (last) await rewrite(", 'if (last && scan.kind === "torn") await rewrite(']],
    plan: { everyMs: 250, faults: ["kill-edge-at-operation", "power-cut"], faultEveryMs: 1_500 },
    within: 100,
  },
  {
    name: "journal-freed-too-early",
    breaks: "a file is removed before the books have all of it",
    file: "edge/shares/cutter.ts",
    replace: [['tally.state === "closed" && applied.has(keyText(tally));', 'tally.state === "closed";']],
    plan: {
      everyMs: 250,
      faults: ["slow-queue", "queue-away", "kill-edge", "kill-functions"],
      faultEveryMs: 1_500,
    },
    within: 60,
  },
  {
    name: "journal-freed-while-its-job-runs",
    breaks: "a restart knows no more which nonces are spent",
    file: "edge/shares/cutter.ts",
    replace: [
      [
        'tally.job <= overThrough() && tally.state === "closed" && applied.has(keyText(tally));',
        "tally.window.size() === 0;",
      ],
    ],
    within: 100,
  },
  {
    name: "sent-before-it-is-on-record",
    breaks: "after a crash another delta goes out under the same key",
    file: "edge/shares/cutter.ts",
    replace: [
      [
        'const outcome = await journal.append(encodeRecord({ kind: "cut", cut }), (place) => {',
        'for (const [index, body] of bodies.entries()) outbox.addDelta(tally, seq + index, body);\n    const outcome = await journal.append(encodeRecord({ kind: "cut", cut }), (place) => {',
      ],
    ],
    within: 200,
  },
  {
    name: "counters-lost-with-a-failed-cut",
    breaks: "what a full disk kept from being cut is gone",
    file: "edge/shares/cutter.ts",
    replace: [["tally.window.merge(window);", ""]],
    within: 100,
  },
  {
    name: "uncut-shares-forgotten",
    breaks: "a restart drops what no delta held yet",
    file: "edge/shares/recover.ts",
    replace: [["for (const { share } of shares) addShare(tally, share);", "void shares;"]],
    within: 20,
  },
  {
    name: "cut-shares-counted-again",
    breaks: "a restart counts what a delta holds already",
    file: "edge/shares/recover.ts",
    replace: [["share.number > cut.through", "share.number >= 0"]],
    within: 20,
  },
  {
    name: "queue-trusted",
    breaks: "what a dying queue had taken is never sent again",
    file: "edge/shares/summary-outbox.ts",
    replace: [
      [
        "this.#waiting.delete(message);\n        retryMs",
        "this.#drop(messageId(message.key, message.seq));\n        retryMs",
      ],
    ],
    plan: { faults: ["kill-functions", "database-away"], faultEveryMs: 1_500, functions: 1 },
    within: 30,
  },
  {
    name: "closed-with-shares-in-hashing",
    breaks: "the close marker goes out before the last share",
    file: "edge/shares/open-jobs.ts",
    replace: [["job.inFlight === 0 && isDue(job)", "isDue(job)"]],
    within: 200,
  },
  {
    name: "fenced-edge-goes-on",
    breaks: "an edge acknowledges in a slot that is another's",
    file: "edge/shares/checking.ts",
    replace: [['else if (!this.#parts.leaseHeld()) this.#tell({ kind: "unavailable" });', ""]],
    also: [
      {
        file: "edge/shares/share-records.ts",
        replace: [
          [
            "if (!leaseHeld() || !journal.canAppend()) return false;",
            "if (!journal.canAppend()) return false;",
          ],
        ],
      },
    ],
    plan: {
      edges: 2,
      slots: 2,
      twins: false,
      everyMs: 250,
      blocks: 5,
      faults: ["replace-edge"],
      faultEveryMs: 4_000,
    },
    within: 100,
  },
  {
    name: "no-marker-for-jobs-passed-over",
    breaks: "the sealer waits for a marker that nobody sends",
    file: "edge/shares/job-lifecycle.ts",
    replace: [["this.#markGap(Math.max(owedFrom, this.#nextOwed), job.height);", "void owedFrom;"]],
    plan: { edges: 2, slots: 2, twins: false, faults: ["pause-edge", "quick-blocks"], faultEveryMs: 1_500 },
    within: 20,
  },
  {
    name: "refused-shares-make-a-delta",
    breaks: "strangers write deltas by refused shares alone",
    file: "edge/shares/verdict-counts.ts",
    replace: [
      ["tallies.open(job).refusals.add(user, worker);", "tallies.open(job).window.addRefused(user, worker);"],
    ],
    within: 40,
  },
  {
    name: "lateness-forgotten-at-a-restart",
    breaks: "a restart takes a late hit for one in time",
    file: "edge/journal/records.ts",
    replace: [["decodeShare(body, true)", "decodeShare(body, false)"]],
    plan: {
      everyMs: 250,
      miners: 7,
      sessions: 12,
      credit: "achieved",
      cheats: 0,
      faults: ["kill-edge", "power-cut", "quick-blocks"],
      faultEveryMs: 1_500,
    },
    within: 60,
  },
];
