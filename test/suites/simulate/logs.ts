/** What the parts log: it is in the trace, tells no secret (I9), and rings no alarm. */

import type { Logger } from "../../../shared/logger.ts";
import { CANARY } from "./canary.ts";
import type { SimProcess } from "./process.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

/** Log lines that tell of a fault of ours, not of the world. */
const ALARMS = [
  "A delta lies above its edge's close marker; it is credited",
  "A message failed too often and is now a dead letter",
  "A share could not be judged",
  "A request failed",
];

export interface LogModules {
  readonly trace: Trace;
  readonly guard: (work: () => void) => void;
}

/** The logger of a process. `mayAlarm`: two edges run under one identity, and the parts say so. */
export function judgedLogger(
  process: SimProcess,
  { mayAlarm }: { readonly mayAlarm: boolean },
  { trace, guard }: LogModules,
): Logger {
  const say =
    (level: string) =>
    (message: string, data?: Record<string, unknown>): void =>
      guard(() => {
        const line = `${process.name} ${level} ${message} ${data === undefined ? "" : JSON.stringify(data, plainError)}`;
        trace.add(line);
        if (line.includes(CANARY)) throw new Violation(`I9: a secret was logged: ${line.slice(0, 300)}`);
        if (ALARMS.includes(message) && !mayAlarm) throw new Violation(`an alarm: ${line.slice(0, 500)}`);
        if (line.includes("seal-mismatch"))
          throw new Violation(`a seal that does not agree: ${line.slice(0, 500)}`);
      });
  return { debug: () => undefined, info: say("info"), warn: say("warn"), error: say("error") };
}

function plainError(_key: string, value: unknown): unknown {
  if (value instanceof Error)
    return { message: value.message, code: "code" in value ? value.code : undefined };
  return typeof value === "bigint" ? value.toString() : value;
}
