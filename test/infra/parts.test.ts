/** Parts that start together and stop together, and the settings that they are started with. */

import { describe, expect, it } from "vitest";
import { loadConfig } from "../../infra/config/load.ts";
import { bothStarted, startParts } from "../../infra/parts.ts";
import { edgeOptions, sealDeadlineMs } from "../../infra/pool/pool-settings.ts";
import { encodeAddress } from "../../shared/factom/address.ts";
import { SILENT } from "../../shared/logger.ts";

describe("two parts that start side by side", () => {
  it("fail together only when both have ended, so that what the other has started can be stopped", async () => {
    const slow = Promise.withResolvers<string>();
    const seen: string[] = [];
    const both = bothStarted(slow.promise, Promise.reject(new Error("port taken"))).catch((error) =>
      seen.push(error.message),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);

    slow.resolve("running");
    await both;

    expect(seen).toEqual(["port taken"]);
    expect(await bothStarted(slow.promise, Promise.resolve(7))).toEqual(["running", 7]);
  });
});

describe("parts of a process", () => {
  it("stop in the opposite order, each once, also where one does not stop cleanly", async () => {
    const stopped: string[] = [];
    const parts = await startParts(SILENT, async (onStop) => {
      onStop(async () => stopped.push("first"));
      onStop(() => Promise.reject(new Error("stuck")));
      onStop(async () => stopped.push("last"));
      return { port: 1 };
    });

    await parts.stop();
    await parts.stop();

    expect(parts.port).toBe(1);
    expect(stopped).toEqual(["last", "first"]);
  });

  it("that have started are stopped when a later one cannot start, and its error is told", async () => {
    const stopped: string[] = [];
    const starting = startParts(SILENT, async (onStop) => {
      onStop(async () => stopped.push("database"));
      throw new Error("port taken");
    });

    await expect(starting).rejects.toThrow("port taken");
    expect(stopped).toEqual(["database"]);
  });

  it("know that they are to stop before the first one is stopped, whether by a stop or a failed start", async () => {
    const seen: boolean[] = [];
    const parts = await startParts(SILENT, async (onStop, stopping) => {
      onStop(async () => seen.push(stopping.aborted));
      seen.push(stopping.aborted);
      return {};
    });
    await parts.stop();
    const failing = startParts(SILENT, async (onStop, stopping) => {
      onStop(async () => seen.push(stopping.aborted));
      throw new Error("no room");
    });

    await expect(failing).rejects.toThrow("no room");
    expect(seen).toEqual([false, true, true]);
  });
});

describe("the settings of a pool", () => {
  const config = loadConfig("none.toml", {
    required: false,
    overrides: [
      { section: "pool", key: "oprcoinbase", value: encodeAddress("FA", new Uint8Array(32)), from: "--test" },
      { section: "pool", key: "esaddress", value: encodeAddress("Es", new Uint8Array(32)), from: "--test" },
    ],
  });

  it("hold every share to be hashed", () => {
    const trusting = { ...config, stratum: { ...config.stratum, validateallshares: false } };

    expect(edgeOptions(config, "folder")).toMatchObject({ requireAuth: true, blockMs: 600_000 });
    expect(() => edgeOptions(trusting, "folder")).toThrow("stratum.validateallshares");
  });

  it("wait for a missing close marker half an hour, on a quick network three blocks or 30 seconds", () => {
    expect([600_000, 20_000, 1_000].map(sealDeadlineMs)).toEqual([1_800_000, 60_000, 30_000]);
  });
});
