/** Faults put into the code on purpose, one at a time: a simulator that does not find them proves nothing. */

import { registerHooks } from "node:module";
import type { Plan } from "./faults.ts";

export interface Edit {
  /** From the project's folder. */
  readonly file: string;
  /** Each text occurs in the file, and is replaced everywhere. */
  readonly replace: readonly (readonly [string, string])[];
}

export interface Mutation extends Edit {
  readonly name: string;
  /** What is given up. */
  readonly breaks: string;
  /** In other files. */
  readonly also?: readonly Edit[];
  /** Circumstances that bring it out, where drawn ones rarely do. */
  readonly plan?: Partial<Plan>;
  /** Schedules from seed 1 on in which it must be found. */
  readonly within: number;
}

/** Of those that the holder of `held` mines with. */
const NEWEST_OF_HOLDER =
  "const newest = prefixes.live().filter(({ holder }) => holder?.user === held?.holder?.user && holder?.worker === held?.holder?.worker).at(-1);";

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "no-dedupe-of-nonces",
    breaks: "a nonce is paid as often as it is sent",
    file: "edge/shares/seen.ts",
    replace: [['if (this.#inFlight.has(this.#key()) || this.#low[slot] !== 0) return "duplicate";', ""]],
    within: 3,
  },
  {
    name: "dedupe-only-after-hashing",
    breaks: "two submits in flight are both paid",
    file: "edge/shares/seen.ts",
    replace: [
      ["if (this.#inFlight.has(this.#key()) || this.#low[slot] !== 0)", "if (this.#low[slot] !== 0)"],
    ],
    within: 10,
  },
  {
    name: "dedupe-on-hex-text",
    breaks: "one nonce in another case is another nonce",
    file: "edge/shares/screen.ts",
    replace: [
      [
        "job.seen.reserve(nonce.bytes)",
        "job.seen.reserve(Object.assign(nonce, { text: Buffer.from(share.nonce) }).text)",
      ],
    ],
    also: [
      {
        file: "edge/shares/checking.ts",
        replace: [["job.seen.release(nonce.bytes)", "job.seen.release(nonce.text)"]],
      },
      {
        file: "edge/shares/share-records.ts",
        replace: [
          ["nonce: nonce.bytes,", "nonce: nonce.bytes, text: nonce.text,"],
          ["seen.credit(this.#share.nonce)", "seen.credit(this.#share.text)"],
        ],
      },
    ],
    within: 10,
  },
  {
    name: "nonces-forgotten-at-a-restart",
    breaks: "after a restart within a job its nonces are paid again",
    file: "edge/shares/recovered-jobs.ts",
    replace: [["recovered?.seen ?? new SeenNonces(random(16))", "new SeenNonces(random(16))"]],
    within: 40,
  },
  {
    name: "prefix-free-at-once",
    breaks: "the next session repeats the nonces of the one that left",
    file: "edge/shares/prefixes.ts",
    replace: [
      [
        "    this.#change(prefix, { live: false, job: job ?? UNOPENED });",
        "    if (job !== null) this.#known.delete(prefix);",
      ],
    ],
    within: 40,
  },
  {
    name: "prefix-good-for-one-job-more",
    breaks: "work under a prefix that was given back is paid in the next job",
    file: "edge/shares/durable-prefixes.ts",
    replace: [["prefixes.release(prefix, jobs.newest()?.height);", "prefixes.release(prefix, void jobs);"]],
    plan: {
      credit: "assigned",
      twins: false,
      sessions: 1 << 20,
      cheats: 6,
      miners: 2,
      edges: 1,
      everyMs: 250,
      blocks: 5,
      faults: [],
    },
    within: 60,
  },
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
    name: "quarantine-forgotten",
    breaks: "a prefix goes to another while its shares are under way",
    file: "edge/shares/prefixes.ts",
    replace: [["if (!known.live && known.job <= job)", "if (!known.live)"]],
    within: 60,
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
    name: "refused-shares-make-a-delta",
    breaks: "strangers write deltas by refused shares alone",
    file: "edge/shares/verdict-counts.ts",
    replace: [
      ["tallies.open(job).refusals.add(user, worker);", "tallies.open(job).window.addRefused(user, worker);"],
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
  {
    name: "password-logged",
    breaks: "a log line holds a secret",
    file: "edge/logins/logins.ts",
    replace: [
      [
        'modules.logger.warn("auth gave no verdict", {',
        'modules.logger.warn("auth gave no verdict", { password,',
      ],
    ],
    within: 30,
  },
  {
    name: "grace-after-retargets",
    breaks: "hits that were too easy for a hard prefix are taken at the easy one's target",
    file: "edge/shares/screen.ts",
    replace: [
      [
        "const prefix = prefixes.find(nonce.prefix);",
        `const held = prefixes.find(nonce.prefix);
        ${NEWEST_OF_HOLDER}
        const target_ = newest !== undefined && newest.target < held?.target ? newest.target : held?.target;
        const prefix = held === undefined ? undefined : { ...held, target: target_ };`,
      ],
    ],
    within: 60,
  },
  {
    name: "target-of-the-newest-prefix",
    breaks: "a share is worth what is in force when it is sent",
    file: "edge/shares/screen.ts",
    replace: [
      [
        "const prefix = prefixes.find(nonce.prefix);",
        `const held = prefixes.find(nonce.prefix);
        ${NEWEST_OF_HOLDER}
        const prefix = held === undefined || newest === undefined ? held : { ...held, target: newest.target };`,
      ],
    ],
    within: 20,
  },
  {
    name: "prefixes-in-order",
    breaks: "who knows the next prefix looks at its hits before the target is fixed",
    file: "edge/shares/prefix-order.ts",
    replace: [["return left * HALF + right;", "return place;"]],
    within: 60,
  },
  {
    name: "prefix-retargeted-with-the-next-job",
    breaks: "a prefix that is kept has two targets",
    file: "edge/shares/durable-prefixes.ts",
    replace: [
      [
        "    this.noteOrder();\n",
        "    this.noteOrder();\n    for (const one of this.#modules.prefixes.live()) one.target = (1n << 64n) - ((1n << 64n) - one.target) / 4n;\n",
      ],
    ],
    within: 20,
  },
  {
    name: "late-time-without-end",
    breaks: "who ignores the stop is paid until the next job",
    file: "edge/shares/open-jobs.ts",
    replace: [
      ["if (run === undefined || readAtMs > run.lateUntilMs) return", "if (run === undefined) return"],
      ["(job) => nowMs > endsAtMs(job)", "(job) => this.#current !== undefined && nowMs > endsAtMs(job)"],
    ],
    within: 200,
  },
  {
    name: "old-prefixes-good-after-a-resume",
    breaks: "what was hashed after the stop is paid when the job goes on",
    file: "edge/shares/open-jobs.ts",
    replace: [["lateUntilMs >= nowMs), runFrom(firstSerial)]", "lateUntilMs >= nowMs), runFrom(0)]"]],
    within: 300,
  },
  {
    name: "prefix-not-on-record",
    breaks: "a restart refuses honest shares of the job that goes on",
    file: "edge/shares/durable-prefixes.ts",
    replace: [["if (!(await this.#record([granted], false))) {", "if (granted === null) {"]],
    within: 300,
  },
  {
    name: "login-not-on-record",
    breaks: "a restart forgets who holds a prefix",
    file: "edge/shares/durable-prefixes.ts",
    replace: [
      ["return known !== undefined && (await this.#record([known], true));", "return known !== undefined;"],
    ],
    within: 300,
  },
  {
    name: "login-does-not-wait-for-a-prefix",
    breaks: "a prefix that was asked for before the login is nobody's, and what is found under it a forgery",
    file: "edge/stratum/session-pairs.ts",
    replace: [
      ["return this.#inTurn(() => this.#claim(holder, before));", "return this.#claim(holder, before);"],
    ],
    plan: {
      syncMs: 200,
      miners: 12,
      everyMs: 500,
      faults: ["false-saving", "cut-lines"],
      faultEveryMs: 1_500,
    },
    within: 40,
  },
  {
    name: "nobodys-prefix-free-at-once",
    breaks: "who never logs in looks at the hits of a prefix that is given out again",
    file: "edge/shares/prefixes.ts",
    replace: [
      [
        "    this.#change(prefix, { live: false, job: job ?? UNOPENED });",
        "    this.#change(prefix, { live: false, job: job ?? UNOPENED });\n    if (this.#known.get(prefix)?.holder === undefined) this.#known.delete(prefix);",
      ],
    ],
    within: 300,
  },
  {
    name: "no-stop-at-the-saving",
    breaks: "work goes on, and is paid, that can win no more",
    file: "edge/shares/share-desk.ts",
    replace: [["this.#parts()?.lifecycle.end(seenAtMs);", "void seenAtMs;"]],
    within: 60,
  },
];

/** The circumstances of this mutation's schedules that are not drawn. */
export function planOf(name: string | undefined): Partial<Plan> {
  return name === undefined ? {} : (mutationOf(name).plan ?? {});
}

function mutationOf(name: string): Mutation {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`there is no mutation ${name}`);
  return mutation;
}

/** Loads the files' text changed from here on, in this process. Throws when the code has no such text. */
export function installMutation(name: string): void {
  const mutation = mutationOf(name);
  const edits = [mutation, ...(mutation.also ?? [])];
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edit = edits.find(({ file }) => url === new URL(`../../../${file}`, import.meta.url).href);
      if (edit === undefined) return loaded;
      let source =
        typeof loaded.source === "string" ? loaded.source : Buffer.from(bytesOf(loaded.source)).toString();
      for (const [from, to] of edit.replace) {
        if (!source.includes(from)) throw new Error(`${edit.file} has no text for ${name}: ${from}`);
        source = source.replaceAll(from, to);
      }
      return { ...loaded, source };
    },
  });
}

function bytesOf(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  throw new Error("the loader gave no source");
}
