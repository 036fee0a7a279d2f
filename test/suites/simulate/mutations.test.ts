import { describe, expect, it } from "vitest";
import { catchMutation } from "../../support/mutations/catch-mutation.ts";
import { MUTATIONS } from "../../support/mutations/mutations.ts";

/** All are in test:mutations. */
const quick = MUTATIONS.filter(({ within }) => within <= 10);

describe.concurrent("the simulator finds, put into the code on purpose,", () => {
  it.each(quick.map((mutation) => [mutation.name, mutation.breaks, mutation] as const))(
    "%s: %s",
    { timeout: 60_000 },
    async (_name, _breaks, mutation) => {
      expect(await catchMutation(mutation)).toBeDefined();
    },
  );
});
