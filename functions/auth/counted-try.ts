/** A try that is counted: made unless it has to wait, and taken back unless it failed. */

import type { Try, TryOutcome } from "./lockout.ts";

/** `code-needed`: the password is right, and the user has a second factor. */
export type AccountRefusal =
  | { readonly kind: "refused" | "code-needed"; readonly reason: string }
  | { readonly kind: "throttled"; readonly reason: string; readonly waitMs: number };

export function refused(reason: string): AccountRefusal {
  return { kind: "refused", reason };
}

/** Makes the try unless it has to wait. */
export async function counted<Result>(
  tried: Try,
  attempt: () => Promise<{ readonly outcome: TryOutcome; readonly result: Result }>,
): Promise<Result | AccountRefusal> {
  if (tried.kind === "locked") {
    const reason = `too many failed logins: wait ${Math.ceil(tried.waitMs / 1000)} s, then try again`;
    return { kind: "throttled", reason, waitMs: tried.waitMs };
  }
  let outcome: TryOutcome = "unknown";
  try {
    const { outcome: reached, result } = await attempt();
    outcome = reached;
    return result;
  } finally {
    await tried.end(outcome);
  }
}
