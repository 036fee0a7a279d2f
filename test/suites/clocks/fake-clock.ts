/** A wall clock that can be moved while a process runs: libfaketime from Debian's packages, in front of that process alone. */

import { globSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { whyNotInstalled } from "../../support/optional-suite.ts";

const LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1";

/** Why no clock can be shifted here; undefined when one can. Installs what is missing. */
export function whyNot(): string | undefined {
  return whyNotInstalled(["libfaketime"], () => globSync(LIBRARY).length > 0);
}

export interface FakeClock {
  /** For the processes that are to have this clock; their monotonic clock stays true. */
  readonly env: Readonly<Record<string, string>>;
  /** `hours` from the true time, from now on. */
  set(hours: number): void;
}

/** `folder` can be read by all who run under it. */
export function fakeClock(folder: string): FakeClock {
  const [library] = globSync(LIBRARY);
  if (library === undefined) throw new Error("libfaketime is not installed");
  const file = join(folder, "offset");
  const set = (hours: number): void => {
    // Moved into place: a reader never sees half a line.
    writeFileSync(`${file}.new`, `${hours < 0 ? "" : "+"}${hours * 3600}\n`, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  };
  set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
  return { env: { ...env, FAKETIME_DONT_RESET: "1" }, set };
}
