/** argon2id in PHC form (RFC 9106; the OWASP floor of 19 MiB and 2 passes), off the event loop and bounded. */

import { argon2, timingSafeEqual } from "node:crypto";
import type { Random } from "../../shared/clock.ts";
import { CodedError } from "../../shared/errors.ts";

export interface PasswordOptions {
  /** Hashes at a time: each takes 19 MiB and one thread of libuv's pool of four. */
  concurrency?: number;
  /** Hashes that may wait. When that many wait, the caller gets `auth-away` and tries again later. */
  queueLimit?: number;
  /** Cost of new hashes; a stored one carries its own. */
  cost?: Argon2Cost;
}

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
}

export interface Passwords {
  /** The text to store. Rejects with CodedError `auth-away` when too many wait. */
  hash(password: string): Promise<string>;
  /** With `stored` null (no such user, or one without a password) it takes the same time and answers false. */
  verify(password: string, stored: string | null): Promise<boolean>;
}

const DEFAULT_COST: Argon2Cost = { memoryKib: 19 * 1024, passes: 2 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

export function createPasswords(options: PasswordOptions, modules: { random: Random }): Passwords {
  const cost = options.cost ?? DEFAULT_COST;
  const limited = createLimiter(options.concurrency ?? 2, options.queueLimit ?? 64);
  // As text, so that a check without a stored password takes the same steps as one with it.
  const nobody = encode({ cost, salt: modules.random(SALT_BYTES), tag: modules.random(TAG_BYTES) });
  return {
    async hash(password) {
      const salt = modules.random(SALT_BYTES);
      return encode({ cost, salt, tag: await limited(() => derive(password, salt, cost, TAG_BYTES)) });
    },
    async verify(password, stored) {
      const { cost: itsCost, salt, tag } = decode(stored ?? nobody);
      const derived = await limited(() => derive(password, salt, itsCost, tag.length));
      return timingSafeEqual(derived, tag) && stored !== null;
    },
  };
}

interface Stored {
  readonly cost: Argon2Cost;
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

function encode({ cost, salt, tag }: Stored): string {
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=1$${base64(salt)}$${base64(tag)}`;
}

function decode(phc: string): Stored {
  const [, memory, passes, salt, tag] = PHC.exec(phc) ?? [];
  if (memory === undefined || passes === undefined || salt === undefined || tag === undefined) {
    throw new CodedError(
      "password-form",
      "a stored password is not argon2id in PHC form: set that user's password again with `prosper db admin`",
    );
  }
  return {
    cost: { memoryKib: Number(memory), passes: Number(passes) },
    salt: new Uint8Array(Buffer.from(salt, "base64")),
    tag: new Uint8Array(Buffer.from(tag, "base64")),
  };
}

/** Base64 without padding, as PHC wants it. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

function derive(
  password: string,
  salt: Uint8Array,
  cost: Argon2Cost,
  tagLength: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    argon2(
      "argon2id",
      // NFC: the same password typed on two systems is the same bytes.
      {
        message: password.normalize("NFC"),
        nonce: salt,
        parallelism: 1,
        tagLength,
        memory: cost.memoryKib,
        passes: cost.passes,
      },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    );
  });
}

/** Runs at most `concurrency` tasks, lets at most `queueLimit` wait in order, and refuses the rest. */
function createLimiter(concurrency: number, queueLimit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < concurrency) running++;
    else if (waiting.length >= queueLimit) {
      throw new CodedError(
        "auth-away",
        `${queueLimit} logins are waiting already: try again in a few seconds`,
      );
    } else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The next waiting task takes over this task's place, so `running` stays the same.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
