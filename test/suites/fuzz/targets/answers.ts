/** What services answer: price sources, nodes, the Data API. */

import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { systemClock } from "../../../../shared/clock.ts";
import { openDataApi } from "../../../../shared/db/drivers/data-api.ts";
import { sql } from "../../../../shared/db/port.ts";
import { createFactomd, type Factomd } from "../../../../shared/factom/client.ts";
import { createPegnetd } from "../../../../shared/factom/pegnetd.ts";
import type { RpcModules } from "../../../../shared/factom/rpc.ts";
import { PRICE_SOURCES } from "../../../../shared/prices/registry.ts";
import { manualClock } from "../../../support/manual-clock.ts";
import type { Chance } from "../../../support/random.ts";
import { type Target, textOf } from "./target.ts";

export function priceTargets(): Target[] {
  const fixtures = new URL("../../../support/fixtures/prices/", import.meta.url);
  const bodies = readdirSync(fixtures)
    .filter((file) => file.endsWith(".json"))
    .map((file) => readFileSync(new URL(file, fixtures), "utf8"));
  return PRICE_SOURCES.filter(({ closed }) => closed === undefined).map((source) => ({
    name: `prices ${source.name}`,
    seeds: bodies,
    share: 0.2,
    parse: (input) => source.parse(textOf(input), 1_700_000_000_000),
  }));
}

/** A node's answer to any call, on the way that the pool asks. */
function rpcModules(chance: Chance, answer: () => string): RpcModules {
  return {
    fetch: async (_url, init) => {
      const { id } = JSON.parse(String(init?.body)) as { id: number };
      return new Response(answer().replaceAll("$ID", `${id}`), { status: chance.hit(0.05) ? 500 : 200 });
    },
    clock: manualClock(),
    random: chance.bytes(),
  };
}

const rpcAnswers = (results: readonly unknown[]): string[] =>
  results.map((result) => JSON.stringify({ jsonrpc: "2.0", id: "$ID", result }).replace('"$ID"', "$ID"));

/** Replies of a node to every call that the pool makes. */
export function factomdTarget(chance: Chance): Target {
  let reply = "";
  const options = { url: "http://127.0.0.1:1/v2", timeoutMs: 1_000 };
  const factomd: Factomd = createFactomd(
    options,
    rpcModules(chance, () => reply),
  );
  const hash = "ab".repeat(32);
  const calls: readonly (() => Promise<unknown>)[] = [
    () => factomd.heights(),
    () => factomd.currentMinute(),
    () => factomd.dblockByHeight(1000),
    () => factomd.entryBlock(hash),
    () => factomd.entry(hash),
    () => factomd.rawData(hash),
    () => factomd.chainHead(hash),
    () => factomd.commitEntry(new Uint8Array(10)),
    () => factomd.revealEntry(new Uint8Array(10)),
    () => factomd.ack(hash, hash),
    () => factomd.pendingEntries(),
    () => factomd.entryCreditBalance("EC1"),
  ];
  const results: readonly unknown[] = [
    { directoryblockheight: 5, leaderheight: 6, entryblockheight: 5, entryheight: 5 },
    {
      leaderheight: 6,
      directoryblockheight: 5,
      minute: 3,
      currentblockstarttime: 1e18,
      currentminutestarttime: 1e18,
      currenttime: 1e18,
      directoryblockinseconds: 600,
      stalldetected: false,
    },
    { dblock: { keymr: hash }, rawdata: "00".repeat(120) },
    { data: "00".repeat(140) },
    { chainhead: hash },
    { txid: hash, entryhash: hash, message: "ok" },
    { commitdata: { status: "DBlockConfirmed" }, entrydata: { status: "DBlockConfirmed" } },
    [{ entryhash: hash, chainid: hash, status: "TransactionACK" }],
    { balance: 5 },
  ];
  return {
    name: "factomd reply",
    seeds: rpcAnswers(results),
    parse: (input) => {
      reply = textOf(input);
      return chance.pick(calls)();
    },
  };
}

export function pegnetdTarget(chance: Chance): Target {
  let reply = "";
  const options = { url: "http://127.0.0.1:1/v1", timeoutMs: 1_000 };
  const pegnetd = createPegnetd(
    options,
    rpcModules(chance, () => reply),
  );
  const error = { code: -32803, message: "Transaction Not Found" };
  return {
    name: "pegnetd reply",
    seeds: [
      ...rpcAnswers([
        { height: 1000, executed: 1001 },
        { height: 1000, executed: -2 },
        { PEG: 12345, pUSD: 1 },
      ]),
      JSON.stringify({ jsonrpc: "2.0", id: 1, error }).replace('"id":1', '"id":$ID'),
    ],
    parse: (input) => {
      reply = textOf(input);
      return chance.hit(0.5) ? pegnetd.transaction("ab".repeat(32)) : pegnetd.roughPegBalance("FA1");
    },
  };
}

/** Answers and failures of the Data API, through the service's own client. */
export async function dataApiTarget(chance: Chance): Promise<Target> {
  let reply = "";
  const server = createServer((request, response) => {
    request.resume();
    const status = chance.pick([200, 200, 200, 400, 403, 500, 504]);
    request.on("end", () =>
      response
        .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": "BadRequestException" })
        .end(reply),
    );
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A listening TCP server has an address of its own.
  const { port } = server.address() as AddressInfo;
  const db = openDataApi(
    {
      ...{ resourceArn: "arn:c", secretArn: "arn:s", database: "prosper", region: "us-east-1", resumeMs: 0 },
      ...{ endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: "a", secretAccessKey: "s" } },
    },
    { clock: systemClock },
  );
  const row = v.object({ height: v.number(), name: v.nullable(v.string()) });
  const columnMetadata = [
    { name: "height", label: "height", typeName: "int4" },
    { name: "name", label: "name", typeName: "text" },
  ];
  return {
    name: "Data API answer",
    seeds: [
      { columnMetadata, records: [[{ longValue: 1000 }, { stringValue: "ann" }]], numberOfRecordsUpdated: 0 },
      { columnMetadata, records: [[{ longValue: 1 }, { isNull: true }]] },
      { transactionId: "AAA" },
      { message: "ERROR: duplicate key value; SQLState: 23505" },
      { __type: "DatabaseResumingException", message: "is resuming" },
    ].map((answer) => JSON.stringify(answer)),
    share: 0.2,
    parse: (input) => {
      reply = textOf(input);
      if (chance.hit(0.2)) return db.transaction((tx) => tx.execute(sql`SELECT 1`));
      return db.query(sql`SELECT height, name FROM jobs`, row);
    },
  };
}
