/** Reads a secret of Secrets Manager: at the start, and again when what it holds was refused or may be new. */

import * as v from "valibot";
import { CodedError, coerceError } from "../errors.ts";
import { type AwsOptions, callAws } from "./call.ts";

const answer = v.pipe(v.string(), v.parseJson(), v.object({ SecretString: v.string() }));

/** The text of the secret, by name or ARN. Throws CodedError `aws-away`, `aws-refused`; no message holds anything of it. */
export async function readSecret(
  options: AwsOptions,
  secret: string,
  stage: "AWSCURRENT" | "AWSPREVIOUS" = "AWSCURRENT",
): Promise<string> {
  const text = await callAws(options, {
    service: "secretsmanager",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "secretsmanager.GetSecretValue",
    },
    body: JSON.stringify({ SecretId: secret, VersionStage: stage }),
  }).catch((thrown: unknown) => {
    const error = coerceError(thrown);
    const code = error instanceof CodedError ? error.code : "aws-away";
    throw new CodedError(code, `the secret ${secret}: ${error.message.replace("secretsmanager: ", "")}`, {
      cause: thrown,
    });
  });
  const parsed = v.safeParse(answer, text);
  if (parsed.success) return parsed.output.SecretString;
  throw new CodedError("aws-refused", `the secret ${secret} has no text`);
}

/** What a secret holds now, and what it held before it was last changed; that stays good while the new value gets about. */
export interface SecretVersions {
  readonly current: string;
  readonly previous: string | undefined;
}

/** Throws as `readSecret` does. */
export async function readVersions(options: AwsOptions, secret: string): Promise<SecretVersions> {
  const current = await readSecret(options, secret);
  const previous = await readSecret(options, secret, "AWSPREVIOUS").catch((thrown: unknown) => {
    // It was never changed.
    if (coerceError(thrown).message.includes("ResourceNotFoundException")) return undefined;
    throw thrown;
  });
  return { current, previous };
}
