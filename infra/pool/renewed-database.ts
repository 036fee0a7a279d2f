/**
 * A PostgreSQL whose password may be changed while the pool runs: where it stands in a file or a secret, it is read again when it is refused
 * (docs/runbook.md, "Rotating the database password").
 */

import * as v from "valibot";
import type { AwsOptions } from "../../shared/aws/call.ts";
import { KeptSecret } from "../../shared/aws/kept-secret.ts";
import type { Clock } from "../../shared/clock.ts";
import { openPg } from "../../shared/db/drivers/pg.ts";
import type { Db } from "../../shared/db/port.ts";
import { CodedError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/logger.ts";
import type { Config } from "../config/schema.ts";
import { readPasswordFile, withPassword } from "./database-password.ts";

export interface RenewedDatabaseModules {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where secrets are read; undefined: nowhere. */
  readonly aws?: AwsOptions | undefined;
}

/** Between two reads: whoever is refused asks again, and all parts are refused at once. */
const AGAIN_MS = 5_000;

const fields = v.pipe(v.string(), v.parseJson(), v.object({ password: v.string() }));

/** Nothing connects before the first statement, which begins with the password in `address`. */
export function openRenewed(
  { database, aws: { databasesecret: secret } }: Pick<Config, "database" | "aws">,
  address: string,
  { aws, clock, logger }: RenewedDatabaseModules,
): Db {
  const { passwordfile: file } = database;
  const keep = (name: string, password: () => Promise<string>): Db => {
    const kept = new KeptSecret(
      {
        name,
        first: address,
        read: async () => withPassword(address, await password()),
        ...{ maxAgeMs: Number.POSITIVE_INFINITY, againMs: AGAIN_MS },
      },
      { clock, logger },
    );
    return openPg({ url: address, renew: () => kept.again() });
  };
  if (file !== "") return keep(file, async () => readPasswordFile(file));
  if (secret !== "" && aws !== undefined) return keep(secret, () => passwordIn(aws, secret));
  return openPg({ url: address });
}

async function passwordIn(aws: AwsOptions, secret: string): Promise<string> {
  // Loaded when it is needed: most pools have no secret there, and commands stay quick.
  const { readSecret } = await import("../../shared/aws/secret.ts");
  const parsed = v.safeParse(fields, await readSecret(aws, secret));
  if (parsed.success) return parsed.output.password;
  throw new CodedError("config", `the secret ${secret}: expected JSON with password`);
}
