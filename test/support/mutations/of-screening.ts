/** Faults in what an edge takes: nonces, prefixes, targets, logins, and until when. */

import type { Mutation } from "./mutation.ts";

/** Of those that the holder of `held` mines with. */
const NEWEST_OF_HOLDER =
  "const newest = prefixes.live().filter(({ holder }) => holder?.user === held?.holder?.user && holder?.worker === held?.holder?.worker).at(-1);";

export const OF_SCREENING: readonly Mutation[] = [
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
    name: "quarantine-forgotten",
    breaks: "a prefix goes to another while its shares are under way",
    file: "edge/shares/prefixes.ts",
    replace: [["if (!known.live && known.job <= job)", "if (!known.live)"]],
    within: 60,
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
