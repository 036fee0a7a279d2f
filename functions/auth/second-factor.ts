/** A second factor beside the password: enrolled with a secret, confirmed by its first code, asked for at every login from then on. */

import type { Clock, Random } from "../../shared/clock.ts";
import type { Db } from "../../shared/db/port.ts";
import {
  confirmSecondFactor,
  findSecondFactor,
  proposeSecondFactor,
  useRecoveryCode,
  useStep,
} from "../../shared/db/second-factors.ts";
import { sha256Hex } from "../../shared/sha256.ts";
import { base32, otpauthUri, stepOf, TOTP_SECRET_BYTES } from "./totp.ts";

export interface SecondFactorModules {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
}

/** `needed`: there is one, and no code was given. */
export type FactorCheck = "passed" | "needed" | "wrong";

export interface Enrolment {
  /** For typing into an app. */
  readonly secret: string;
  /** For the app's camera. */
  readonly uri: string;
}

const RECOVERY_CODES = 10;
/** 50 bits each: enough to keep only a fast hash of it, without salt. */
const RECOVERY_LETTERS = 10;

/** Checks the code that came with a right password. Each code works once. */
export async function checkSecondFactor(
  modules: SecondFactorModules,
  userId: bigint,
  code: string,
): Promise<FactorCheck> {
  const factor = await findSecondFactor(modules.db, userId);
  if (factor === undefined || !factor.confirmed) return "passed";
  const typed = code.replace(/[\s-]/g, "");
  if (typed === "") return "needed";
  if (/^\d{6}$/.test(typed)) {
    const step = stepOf(factor.secret, typed, modules.clock.wallMs());
    return step !== undefined && (await useStep(modules.db, userId, step)) ? "passed" : "wrong";
  }
  return (await useRecoveryCode(modules.db, userId, hashRecovery(typed))) ? "passed" : "wrong";
}

/** Proposes a secret; undefined where a second factor is in force already. */
export async function enrolSecondFactor(
  modules: SecondFactorModules,
  user: { readonly id: bigint; readonly name: string },
  issuer: string,
): Promise<Enrolment | undefined> {
  const secret = modules.random(TOTP_SECRET_BYTES);
  if (!(await proposeSecondFactor(modules.db, user.id, secret))) return undefined;
  return { secret: base32(secret), uri: otpauthUri(secret, { issuer, name: user.name }) };
}

/** Puts the proposed secret in force if the code is right. Returns the recovery codes, which nobody can read again; undefined for a wrong code. */
export async function confirmEnrolment(
  modules: SecondFactorModules,
  userId: bigint,
  code: string,
): Promise<readonly string[] | undefined> {
  const factor = await findSecondFactor(modules.db, userId);
  if (factor === undefined || factor.confirmed) return undefined;
  const step = stepOf(factor.secret, code.replace(/\s/g, ""), modules.clock.wallMs());
  if (step === undefined) return undefined;
  const letters = Array.from({ length: RECOVERY_CODES }, () =>
    base32(modules.random(RECOVERY_LETTERS)).slice(0, RECOVERY_LETTERS),
  );
  const confirmed = await confirmSecondFactor(modules.db, userId, {
    secret: factor.secret,
    step,
    recoveryHashes: letters.map(hashRecovery),
  });
  return confirmed ? letters.map((word) => `${word.slice(0, 5)}-${word.slice(5)}`.toLowerCase()) : undefined;
}

function hashRecovery(code: string): string {
  return sha256Hex(code.toUpperCase());
}
