/** The pool's own check of the content it is about to have mined, before any hash is spent on it (prosper-pool `engine`). */

import type { OprVersion } from "../opr/assets.ts";
import { parseOprV1 } from "../opr/codec-v1.ts";
import { parseOprV2 } from "../opr/codec-v2.ts";
import { type ContentRefusal, checkJson, checkProtobuf, type Refusal, refuse } from "./validate-content.ts";
import { rulesOf } from "./versions.ts";

export type ContentCheck = { readonly ok: true } | Refusal<ContentRefusal | "content-format">;

/**
 * Whether every grader would refuse a content, whatever the block (its height and winners depend on the block and are not checked).
 * Differs from prosper-pool: V1 is checked too, and a zero price beyond the 30th asset is named; there that crashes.
 */
export function poolContentCheck(version: OprVersion, content: Uint8Array): ContentCheck {
  const rules = rulesOf(version);
  if (rules.format === "json") {
    const parsed = parseOprV1(content);
    if (!parsed.ok) return refuse("content-format", parsed.reason);
    return checkJson(parsed.value, rules) ?? { ok: true };
  }
  const parsed = parseOprV2(content);
  if (!parsed.ok) return refuse("content-format", parsed.reason);
  // V3 contents pass with ten winners too, as in the reference; `buildOpr` never makes one.
  const previousWinnerCounts = rulesOf(version === 3 ? 2 : version).previousWinnerCounts;
  return checkProtobuf(parsed.value, { ...rules, previousWinnerCounts }) ?? { ok: true };
}
