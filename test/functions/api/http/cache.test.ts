import { expect, it } from "vitest";
import { cached } from "../../../../functions/api/http/cache.ts";
import { manualClock } from "../../../support/manual-clock.ts";

const TTL_MS = 1000;

it("loads once for all who ask, until its time is over or it is told to forget", async () => {
  const clock = manualClock();
  let loads = 0;
  const get = cached(clock, TTL_MS, async () => ++loads);

  expect(await Promise.all([get(), get()])).toEqual([1, 1]);
  clock.advance(TTL_MS - 1);
  expect(await get()).toBe(1);
  clock.advance(1);
  expect(await get()).toBe(2);
  get.forget();
  expect(await get()).toBe(3);
});

it("keeps nothing of a load that was under way when it was told to forget", async () => {
  let end: (value: string) => void = () => {};
  const loads = [new Promise<string>((resolve) => (end = resolve)), Promise.resolve("new")];
  const get = cached(manualClock(), TTL_MS, async () => loads.shift() ?? "never");

  const old = get();
  get.forget();
  expect(await get()).toBe("new");
  end("old");
  expect(await old).toBe("old");
  expect(await get()).toBe("new");
});

it("keeps no failure", async () => {
  const loads = [Promise.reject(new Error("away")), Promise.resolve("here")];
  const get = cached(manualClock(), TTL_MS, async () => loads.shift());

  await expect(get()).rejects.toThrow("away");
  expect(await get()).toBe("here");
});
