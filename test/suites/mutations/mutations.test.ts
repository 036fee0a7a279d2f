import { describe, expect, it } from "vitest";
import { catchMutation } from "../../support/mutations/catch-mutation.ts";
import { MUTATIONS } from "../../support/mutations/mutations.ts";

describe.concurrent("the simulator finds, put into the code on purpose,", () => {
  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation.breaks, mutation] as const))(
    "%s: %s",
    { timeout: 20 * 60_000 },
    async (_name, _breaks, mutation) => {
      expect(await catchMutation(mutation)).toBeDefined();
    },
  );
});
