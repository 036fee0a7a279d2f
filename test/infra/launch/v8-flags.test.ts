/** An edge takes the memory that was measured only where it is started with the flags that were measured. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const flagsIn = (file: string, list: RegExp): string[] =>
  readFileSync(join(ROOT, file), "utf8")
    .match(list)?.[0]
    .match(/--max-[a-z-]+=\d+/g) ?? [];

describe("V8's flags", () => {
  it("are the same by the launcher, in the image and under load", () => {
    const launcher = flagsIn("infra/launch/bootstrap.mjs", /^const SERVICE_FLAGS = .*$/m);
    expect(launcher).toHaveLength(1);
    expect(flagsIn("edge/Dockerfile", /^ENTRYPOINT .*container\/main.*$/m)).toEqual(launcher);
    expect(flagsIn("test/support/load/client.ts", /^const SERVICE_FLAGS = .*$/m)).toEqual(launcher);
  });
});
