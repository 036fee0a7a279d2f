/** Ways back into an account without its password: a code by e-mail sets a new one, the code of an alert takes a payout address back. */

import { base32 } from "@scure/base";
import * as v from "valibot";
import type { Clock, Random } from "../../shared/clock.ts";
import { setPassword } from "../../shared/db/accounts.ts";
import { takeBackByCode } from "../../shared/db/address-holds.ts";
import { deleteTokens } from "../../shared/db/api-tokens.ts";
import { forgetPlaces } from "../../shared/db/login-places.ts";
import { askReset, takeReset } from "../../shared/db/password-resets.ts";
import { deleteOtherSessions } from "../../shared/db/sessions.ts";
import { userName } from "../../shared/messages/summary.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { type AccountRefusal, counted, refused } from "./counted-try.ts";
import type { CredentialModules } from "./credentials.ts";
import type { Lockout } from "./lockout.ts";

/** Whose it was. */
type Recovered = { readonly kind: "ok"; readonly user: string } | AccountRefusal;

export interface Recovery {
  /** Sends a code by e-mail where the user has a confirmed address; the answer is the same whoever the name is. */
  askReset(name: string, remoteAddress: string): Promise<{ readonly kind: "ok" } | AccountRefusal>;
  /** A new password by that code. Sessions and tokens end; the second factor stays. */
  resetPassword(code: string, next: string, remoteAddress: string): Promise<Recovered>;
  /** The payout address from before the change whose alert has this code. */
  keepAddress(code: string, remoteAddress: string): Promise<Recovered>;
}

export interface RecoveryModules extends CredentialModules {
  readonly clock: Clock;
  readonly random: Random;
  readonly lockout: Lockout;
}

export const RESET_MINUTES = 30;
/** Of base32 without a remainder. */
const CODE_BYTES = 15;
const NO_CODE = "that is not the code, or it is used or too old: ask for another";
const NO_CHANGE = "there is no change of an address with this code, or it was more than 24 hours ago";

/** Guesses, and questions for a code, are counted by the address that they come from. */
export function recovery({ db, clock, random, lockout, passwords }: RecoveryModules): Recovery {
  return {
    async askReset(name, remoteAddress) {
      return counted(await lockout.registration(remoteAddress), async () => {
        const code = base32.encode(random(CODE_BYTES));
        const nowMs = clock.wallMs();
        const asked = {
          name: v.is(userName, name) ? name : "",
          code: grouped(code),
          codeHash: sha256Hex(code),
        };
        await askReset(db, asked, { nowMs, untilMs: nowMs + RESET_MINUTES * 60_000 });
        // Counted whatever came of it: nobody tries out names, or fills a mailbox.
        return { outcome: "failed", result: { kind: "ok" as const } };
      });
    },
    async resetPassword(code, next, remoteAddress) {
      return counted<Recovered>(await lockout.registration(remoteAddress), async () => {
        const user = await takeReset(db, sha256Hex(bare(code)), clock.wallMs());
        if (user === undefined) return { outcome: "failed", result: refused(NO_CODE) };
        await setPassword(db, user.id, await passwords.hash(next));
        await deleteOtherSessions(db, user.id, "");
        await deleteTokens(db, user.id);
        await forgetPlaces(db, user.id);
        return { outcome: "passed", result: { kind: "ok" as const, user: user.name } };
      });
    },
    async keepAddress(code, remoteAddress) {
      return counted<Recovered>(await lockout.registration(remoteAddress), async () => {
        const user = await takeBackByCode(db, bare(code).toLowerCase());
        return user === undefined
          ? { outcome: "failed", result: refused(NO_CHANGE) }
          : { outcome: "passed", result: { kind: "ok" as const, user } };
      });
    },
  };
}

/** As it stands in the message. */
function grouped(code: string): string {
  return code.match(/.{1,4}/g)?.join("-") ?? code;
}

/** However it is typed. */
function bare(code: string): string {
  return code.replaceAll(/[^A-Za-z0-9]/g, "").toUpperCase();
}
