import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { PoolConnection } from "../../../edge/miner/pool-connection.ts";
import { systemClock } from "../../../shared/clock.ts";
import { encodeRequest, encodeResult } from "../../../shared/messages/stratum.ts";

const OPR_HASH = "ab".repeat(32);

/** What the connection says is told in its order; what it writes goes nowhere. */
function start(): { readonly stream: Duplex; readonly connection: PoolConnection; readonly told: string[] } {
  const told: string[] = [];
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const connection = new PoolConnection(
    stream,
    "miner/1",
    { clock: systemClock },
    {
      onPrefix: (prefix) => told.push(`prefix ${prefix}`),
      onAuthorized: () => told.push("authorized"),
      onRefused: (reason) => told.push(`refused: ${reason}`),
      onJob: (height) => told.push(`job ${height}`),
      onTarget: (target) => told.push(`target ${target.toString(16)}`),
      onStop: () => told.push("stop"),
      onMessage: (text) => told.push(text),
      onReconnect: (host) => told.push(`reconnect ${host}`),
      onEnd: (reason) => told.push(`end: ${reason}`),
    },
  );
  return { stream, connection, told };
}

const login = { user: "miner", worker: "rig", password: "", invite: "", payoutAddress: "" };

describe("a connection to a pool", () => {
  it("tells what it hears in the order of the lines, answers too, however many come with one read", async () => {
    const { stream, connection, told } = start();
    connection.greet(login);
    stream.push(
      encodeResult(1, [{ type: "mining.set_nonce", id: "7" }]) +
        encodeRequest(90, "mining.set_target", ["f000000000000000"]) +
        encodeResult(2, true) +
        encodeRequest(91, "mining.set_target", ["ff00000000000000"]) +
        encodeRequest(92, "mining.set_nonce", ["8"]) +
        encodeRequest(93, "mining.notify", ["120", OPR_HASH, ""]),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([
      "prefix 7",
      "target f000000000000000",
      "authorized",
      "target ff00000000000000",
      "prefix 8",
      "job 120",
    ]);
    connection.end("over");
  });

  it("answers what is asked after its end with nothing", async () => {
    const { connection, told } = start();
    const open = connection.request("mining.submit", []);
    connection.end("over");
    expect(await open).toBeUndefined();
    expect(await connection.request("mining.submit", [])).toBeUndefined();
    expect(told).toEqual(["end: over"]);
  });
});
