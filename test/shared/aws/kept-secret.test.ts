import { expect, it } from "vitest";
import { KeptSecret } from "../../../shared/aws/kept-secret.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

const SECOND = 1000;

function setUp() {
  const clock = manualClock();
  const state = { value: "old", reads: 0, isAway: false, warnings: [] as unknown[] };
  const secret = new KeptSecret(
    {
      name: "prosper/test/origin",
      read: async () => {
        state.reads += 1;
        if (state.isAway) throw new CodedError("aws-away", "no answer");
        return state.value;
      },
      maxAgeMs: 600 * SECOND,
      againMs: 60 * SECOND,
    },
    { clock, logger: { ...SILENT, warn: (_, data) => void state.warnings.push(data) } },
  );
  return { clock, state, secret };
}

it("is read when it is first wanted, once for all who want it, and kept", async () => {
  const { state, secret } = setUp();
  expect(state.reads).toBe(0);

  expect(await Promise.all([secret.get(), secret.get()])).toEqual(["old", "old"]);
  expect(await secret.get()).toBe("old");

  expect(state.reads).toBe(1);
});

it("is read again when it was refused, but however often that is, not twice in the time between", async () => {
  const { clock, state, secret } = setUp();
  await secret.get();
  clock.advance(61 * SECOND);
  state.value = "new";

  expect(await secret.get()).toBe("old");
  for (let i = 0; i < 100; i++) expect(await secret.again()).toBe("new");
  expect(state.reads).toBe(2);
  clock.advance(60 * SECOND);
  await secret.again();
  expect(state.reads).toBe(3);
});

it("is read again when it is old", async () => {
  const { clock, state, secret } = setUp();
  await secret.get();
  state.value = "new";
  clock.advance(600 * SECOND);
  expect(await secret.get()).toBe("old");
  clock.advance(1);

  expect(await secret.get()).toBe("new");
});

it("stays in use while it cannot be read again, which is warned of without what it holds", async () => {
  const { clock, state, secret } = setUp();
  await secret.get();
  clock.advance(601 * SECOND);
  state.isAway = true;

  expect(await secret.get()).toBe("old");
  expect(await secret.get()).toBe("old");

  expect(state.reads).toBe(2);
  expect(state.warnings).toEqual([{ secret: "prosper/test/origin", error: "no answer" }]);
});

it("refuses while there never was one, and is asked for anew by the next who wants it", async () => {
  const { state, secret } = setUp();
  state.isAway = true;
  await expect(secret.get()).rejects.toMatchObject({ code: "aws-away" });
  state.isAway = false;

  expect(await secret.get()).toBe("old");
});
