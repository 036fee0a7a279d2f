/** A form's field for a span of time. */

import { parseSpan, SPAN_FORM } from "../../../../shared/span.ts";
import type { Field } from "../components/form.tsx";
import { ApiError } from "../live/api.ts";

export function spanField(name: string, label: string, without: string): Field {
  return {
    ...{ name, label, autocomplete: "off", optional: true },
    hint: `such as 30 min, 3 h or 2 days; ${without}`,
  };
}

/** Undefined where it was left empty. Throws ApiError. */
export function spanSeconds(text: string, label: string): number | undefined {
  if (text.trim() === "") return undefined;
  const ms = parseSpan(text);
  if (ms === undefined) throw new ApiError(0, `${label}: ${SPAN_FORM}`);
  return Math.round(ms / 1000);
}
