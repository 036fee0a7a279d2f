import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catchMutation } from "../../support/mutations/catch-mutation.ts";
import { MUTATIONS } from "../../support/mutations/mutations.ts";

/** Those that are found in seconds; all are in test:mutations. */
const quick = MUTATIONS.filter(({ within }) => within <= 3);

describe.concurrent("the simulator finds, put into the code on purpose,", () => {
  it.each(quick.map((mutation) => [mutation.name, mutation.breaks, mutation] as const))(
    "%s: %s",
    { timeout: 60_000 },
    async (_name, _breaks, mutation) => {
      expect(await catchMutation(mutation)).toBeDefined();
    },
  );
});

it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  "the code still has the text that the fault %s changes",
  (_name, mutation) => {
    for (const { file, replace } of [mutation, ...(mutation.also ?? [])]) {
      const source = readFileSync(join(import.meta.dirname, "../../..", file), "utf8");
      for (const [text] of replace) expect(source).toContain(text);
    }
  },
);
