import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../infra/config/load.ts";
import { requireFit } from "../../../infra/pool/factomd-fits.ts";
import { CodedError } from "../../../shared/errors.ts";
import { SILENT } from "../../../shared/logger.ts";

const node = (height: number, blockSeconds: number) => ({
  heights: async () => ({ directoryBlock: height, leader: height + 1, entry: height }),
  currentMinute: async () => ({
    leaderHeight: height + 1,
    directoryBlockHeight: height,
    minute: 3,
    blockSeconds,
  }),
});
const configOf = (blockperiod: string, startheight: number) =>
  loadConfig("no-file", {
    required: false,
    overrides: Object.entries({ blockperiod, startheight }).map(([key, value]) => ({
      ...{ section: "pegnet", key, value, from: "test" },
    })),
  });
const MAINNET = configOf("10m", 206_422);
const DEVNET = configOf("10s", 1000);

describe("a factomd", () => {
  it("is taken where its blocks and its height fit the configured network", async () => {
    await requireFit(node(400_000, 600), MAINNET, { logger: SILENT });
    await requireFit(node(1000, 10), DEVNET, { logger: SILENT });
    // Shorter than a second, which a node cannot say.
    await requireFit(node(1000, 1), configOf("300ms", 1000), { logger: SILENT });
  });

  it.each([
    [
      "of a devnet for the real network",
      node(1200, 10),
      MAINNET,
      /blocks take 10 s, .* is 600 s: .* another network/,
    ],
    ["of the real network for a devnet", node(400_000, 600), DEVNET, /blocks take 600 s, .* is 10 s/],
    ["that has not caught up", node(150_000, 600), MAINNET, /at height 150000, .* 206422: .* not caught up/],
  ])("%s is refused, with what to do", async (_, factomd, config, message) => {
    const refusal = requireFit(factomd, config, { logger: SILENT });
    await expect(refusal).rejects.toMatchObject({ code: "config", message: expect.stringMatching(message) });
  });

  it("that does not answer is no reason not to start: it may come back", async () => {
    const away = () => Promise.reject(new CodedError("factomd-away", "no answer"));
    await requireFit({ heights: away, currentMinute: away }, MAINNET, { logger: SILENT });
  });
});
