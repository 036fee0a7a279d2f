import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { systemClock, systemRandom } from "../../../shared/clock.ts";
import { encodeDirectoryBlock } from "../../../shared/factom/block.ts";
import { createFactomd } from "../../../shared/factom/client.ts";
import { createFailover } from "../../../shared/factom/failover.ts";
import { SILENT } from "../../../shared/logger.ts";
import { manualClock } from "../../support/manual-clock.ts";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params?: { readonly height: number };
}

const ERRORS = {
  refuses: { code: -32602, message: "Invalid params" },
  "fails inside": { code: -32603, message: "Internal error" },
};

/** A node on a socket that can be broken. */
class Node {
  height: number;
  /** Names the blocks it holds. */
  chain = "a";
  mode: "well" | "hangs up" | "talks nonsense" | "is silent" | keyof typeof ERRORS = "well";
  calls = 0;
  readonly #server: Server;
  url = "";

  constructor(height: number) {
    this.height = height;
    this.#server = createServer((request, response) => {
      this.calls += 1;
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        const { id, method, params } = JSON.parse(body) as Call;
        if (this.mode === "hangs up") return void request.socket.destroy();
        if (this.mode === "is silent") return;
        if (this.mode === "talks nonsense") return void response.end("<html>");
        if (this.mode !== "well")
          return void response.end(JSON.stringify({ jsonrpc: "2.0", id, error: ERRORS[this.mode] }));
        const result = method === "heights" ? this.#heights() : this.#block(params?.height ?? 0);
        response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
      });
    });
  }

  #heights() {
    return {
      directoryblockheight: this.height,
      leaderheight: this.height + 1,
      entryheight: this.height,
    };
  }

  #block(height: number) {
    const { raw, hashes } = encodeDirectoryBlock({
      networkId: "fa92e5a4",
      prevKeyMr: this.chain.repeat(64),
      prevFullHash: "0".repeat(64),
      timestampMinutes: height,
      height,
      entryBlocks: ["0a", "0c", "0f"].map((id) => ({ chainId: id.padStart(64, "0"), keyMr: "1".repeat(64) })),
    });
    return { dblock: { keymr: hashes.keyMr }, rawdata: toHex(raw) };
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    this.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v2`;
    return this;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const nodes: Node[] = [];
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

/** Only a node that is silent is waited for so long: a healthy one must not seem so because this machine is busy. */
const TIMEOUT_MS = 30_000;
const SILENCE_MS = 3_000;

async function setup(timeoutMs = TIMEOUT_MS) {
  nodes.push(await new Node(100).listen(), await new Node(100).listen());
  const [first, second] = nodes as [Node, Node];
  const clock = manualClock();
  const alarms: string[] = [];
  const told: string[] = [];
  const warnings: unknown[] = [];
  const factomd = createFailover(
    [first, second].map(({ url }) => ({
      url,
      factomd: createFactomd({ url, timeoutMs }, { fetch, clock: systemClock, random: systemRandom }),
    })),
    {
      clock,
      logger: {
        ...SILENT,
        error: (message) => void alarms.push(message),
        warn: (_, facts) => void warnings.push(facts?.["problem"]),
        info: (message) => void told.push(message),
      },
    },
  );
  const top = async (): Promise<number> => (await factomd.heights()).directoryBlock;
  return { first, second, clock, alarms, warnings, told, factomd, top };
}

describe("several factomd nodes", () => {
  it("are not asked while the preferred one answers", async () => {
    const { second, alarms, top } = await setup();

    expect(await top()).toBe(100);

    expect(second.calls).toBe(0);
    expect(alarms).toEqual([]);
  });

  it.each(["hangs up", "talks nonsense", "is silent", "fails inside"] as const)(
    "answer in its place where it %s: the same call, one alarm, and from then on [P11]",
    async (mode) => {
      const { first, second, alarms, top } = await setup(mode === "is silent" ? SILENCE_MS : TIMEOUT_MS);
      first.mode = mode;
      second.height = 101;

      expect(await Promise.all([top(), top(), top()])).toEqual([101, 101, 101]);
      const asked = first.calls;
      expect(await top()).toBe(101);

      expect(first.calls).toBe(asked);
      expect(alarms).toEqual(["a factomd node fails, another is asked instead"]);
    },
  );

  it("do not overrule its refusal", async () => {
    const { first, second, factomd } = await setup();
    first.mode = "refuses";

    await expect(factomd.heights()).rejects.toMatchObject({ code: "factomd-refused" });

    expect(second.calls).toBe(0);
  });

  it("give back to the preferred one after a minute, but not to one that is behind", async () => {
    const { first, second, clock, told, top } = await setup();
    first.mode = "hangs up";
    second.height = 105;
    await top();
    first.mode = "well";

    clock.advance(59_000);
    await top();
    expect(told).toEqual([]);
    clock.advance(2_000);
    expect(await top()).toBe(105);
    expect(told).toEqual([]);
    first.height = 106;
    clock.advance(61_000);

    expect(await top()).toBe(106);
    expect(told).toEqual(["the preferred factomd node is asked again"]);
  });

  it("do not take its place while they are behind the highest block seen", async () => {
    const { first, second, alarms, warnings, top } = await setup();
    first.height = 103;
    await top();
    first.mode = "hangs up";

    await expect(top()).rejects.toMatchObject({ code: "factomd-unreachable", data: { url: first.url } });
    await expect(top()).rejects.toMatchObject({ code: "factomd-unreachable" });
    expect(alarms).toEqual(["no factomd node can be asked"]);
    expect(warnings).toEqual([
      expect.stringContaining("no connection"),
      "the node is at height 100, but 103 was seen: wait until it has caught up, or see why it does not",
    ]);
    second.height = 103;

    expect(await top()).toBe(103);
  });

  it("do not take its place where they hold another block", async () => {
    const { first, second, alarms, warnings, factomd, top } = await setup();
    const read = await factomd.dblockByHeight(99);
    first.mode = "hangs up";
    second.chain = "b";

    await expect(top()).rejects.toMatchObject({ code: "factomd-unreachable" });
    expect(warnings[1]).toMatch(
      new RegExp(`^the node holds [0-9a-f]{64} at height 99, where ${read?.keyMr} was read`),
    );
    expect(alarms).toEqual(["no factomd node can be asked"]);
    second.chain = "a";

    expect(await top()).toBe(100);
    expect(alarms).toEqual([
      "no factomd node can be asked",
      "a factomd node fails, another is asked instead",
    ]);
  });

  it("give back to the preferred one only where it holds the block that was read meanwhile", async () => {
    const { first, clock, warnings, told, factomd, top } = await setup();
    first.mode = "hangs up";
    await factomd.dblockByHeight(100);
    first.mode = "well";
    first.chain = "b";
    clock.advance(61_000);
    await top();
    expect(warnings[1]).toContain("is it on another network?");
    expect(told).toEqual([]);

    first.chain = "a";
    clock.advance(61_000);
    await top();

    expect(told).toEqual(["the preferred factomd node is asked again"]);
  });

  it("fail with what the asked one said where all fail: one alarm, however often, and go on when one is back", async () => {
    const { first, second, alarms, told, top } = await setup();
    first.mode = "hangs up";
    second.mode = "talks nonsense";

    await expect(top()).rejects.toMatchObject({ code: "factomd-unreachable", data: { url: first.url } });
    await expect(top()).rejects.toMatchObject({ code: "factomd-unreachable" });
    expect(alarms).toEqual(["no factomd node can be asked"]);
    second.mode = "well";

    expect(await top()).toBe(100);
    expect(told).toEqual(["a factomd node answers again"]);
  });
});
