/** Every message and file that comes from outside, mutated: a parser answers, or refuses with one of its own errors; nothing else. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { decodeRecord } from "../../edge/journal/records.ts";
import { replayJournal } from "../../edge/journal/replay.ts";
import { PROXY_V2_SIGNATURE, parseProxyV2 } from "../../edge/stratum/proxy-v2.ts";
import { applyMessage } from "../../functions/accounting/apply.ts";
import { parseBlockFile } from "../../infra/cli/block-file.ts";
import { readPreparedFile, readSignedFile } from "../../infra/cli/payout/files.ts";
import { exampleConfig } from "../../infra/config/example.ts";
import { loadConfig } from "../../infra/config/load.ts";
import { verifyProof, verifyReceipt } from "../../shared/accounting/verify.ts";
import { concat, fromHex } from "../../shared/bytes.ts";
import { CodedError } from "../../shared/errors.ts";
import { parseAddress } from "../../shared/factom/address.ts";
import { parseDirectoryBlock, parseEntryBlock } from "../../shared/factom/block.ts";
import { createFactomd, type Factomd } from "../../shared/factom/client.ts";
import { parseCommit } from "../../shared/factom/commit.ts";
import { encodeEntry, parseEntry } from "../../shared/factom/entry.ts";
import { parseFat2Batch } from "../../shared/factom/fat2-parse.ts";
import { parsePayoutLines } from "../../shared/factom/payout.ts";
import { compactJson } from "../../shared/factom/raw-json.ts";
import { SILENT } from "../../shared/logger.ts";
import { provingFile } from "../../shared/messages/proof.ts";
import { parseStratumLine } from "../../shared/messages/stratum.ts";
import { parseOpr } from "../../shared/opr/parse.ts";
import { PRICE_SOURCES } from "../../shared/prices/registry.ts";
import { closeBody, deltaBody } from "../helpers/books.ts";
import { manualClock } from "../helpers/manual-clock.ts";
import { memoryDisk } from "../helpers/memory-disk.ts";
import { mine, start, submission, submit, world } from "../helpers/share-desk.ts";
import { pass } from "../helpers/turns.ts";
import { ModelServer } from "../simulate/model/server.ts";
import { modelDb } from "../simulate/model/statements.ts";
import type { Chance } from "../simulate/random.ts";
import { mutateBytes, mutateJson, mutateText } from "./mutate.ts";
import { checkUnpolluted, type Part } from "./report.ts";

/** A parser with whole inputs to change. It may answer anything, or throw a CodedError. */
interface Target {
  readonly name: string;
  readonly seeds: readonly (string | Uint8Array)[];
  /** How much of the time it gets, 1 unless it is slow. */
  readonly share?: number;
  parse(input: string | Uint8Array): unknown;
}

const textOf = (input: string | Uint8Array): string =>
  typeof input === "string" ? input : Buffer.from(input).toString("latin1");
const bytesOf = (input: string | Uint8Array): Uint8Array =>
  typeof input === "string" ? new Uint8Array(Buffer.from(input)) : input;

export async function parsersPart(chance: Chance): Promise<Part> {
  const folder = mkdtempSync(join(tmpdir(), "prosper-fuzz-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const targets = [
    ...(await edgeTargets()),
    ...fileTargets(folder),
    ...chainTargets(),
    ...priceTargets(),
    await factomdTarget(chance),
  ];
  const drawn = targets.flatMap((target) => Array<Target>(Math.round((target.share ?? 1) * 20)).fill(target));
  return {
    name: "parsers",
    async run(count, done) {
      const counts = new Map<string, { taken: number; refused: number }>();
      for (let at = 0; at < count; at++) {
        const target = chance.pick(drawn);
        const input = draw(target, chance);
        const tally = counts.get(target.name) ?? { taken: 0, refused: 0 };
        counts.set(target.name, tally);
        try {
          await target.parse(input);
          tally.taken += 1;
        } catch (error) {
          if (!(error instanceof CodedError)) throw described(target, input, error);
          tally.refused += 1;
        }
        if (at % 100 === 0) {
          checkUnpolluted();
          await new Promise((resolve) => setImmediate(resolve));
        }
        done(1);
      }
      console.log(
        `           ${counts.size} parsers: ${[...counts.keys()].sort((a, b) => (a < b ? -1 : 1)).join(", ")}`,
      );
    },
  };
}

function described(target: Target, input: string | Uint8Array, error: unknown): Error {
  const shown =
    typeof input === "string"
      ? JSON.stringify(input.slice(0, 2_000))
      : Buffer.from(input).toString("hex").slice(0, 4_000);
  return new Error(`${target.name} threw on ${shown}`, { cause: error });
}

function draw({ seeds }: Target, chance: Chance): string | Uint8Array {
  const seed = chance.pick(seeds);
  if (typeof seed !== "string") return mutateBytes(seed, chance);
  const kind = chance.whole(0, 9);
  if (kind < 5) return mutateJson(seed, chance);
  if (kind < 9) return mutateText(seed, chance);
  return Buffer.from(mutateBytes(Buffer.from(seed), chance)).toString();
}

async function edgeTargets(): Promise<Target[]> {
  const server = new ModelServer({ nowMs: () => 0, pause: async () => undefined });
  const db = modelDb(server);
  const journal = await journalFiles();
  const clock = manualClock();
  const v2 = concat(PROXY_V2_SIGNATURE, fromHex("21110014c0000201c000020200500051"), new Uint8Array(8));
  return [
    {
      name: "summary message",
      seeds: [deltaBody({ job: 1000, seq: 3 }, { "ann/rig": 2, "bob/": 1 }), closeBody({ job: 1000 }, 4)],
      parse: (input) => applyMessage(textOf(input), { db, logger: SILENT }),
    },
    {
      name: "journal",
      seeds: journal,
      share: 0.3,
      parse: async (input) => {
        const disk = memoryDisk(new Map([["/j/00000001.journal", bytesOf(input)]]));
        const reader = {
          start: () => undefined,
          record: (record: Parameters<typeof decodeRecord>[0]) => void decodeRecord(record),
        };
        await replayJournal("/j", reader, { disk, logger: SILENT });
        void clock;
      },
    },
    {
      name: "stratum line",
      seeds: ['{"id":1,"method":"mining.submit","params":["a","1","2","3","4"]}'],
      parse: (input) => parseStratumLine(textOf(input)),
    },
    { name: "PROXY header", seeds: [v2], parse: (input) => parseProxyV2(bytesOf(input)) },
  ];
}

/** A real journal: shares, cuts, a close marker. */
async function journalFiles(): Promise<Uint8Array[]> {
  const disk = memoryDisk();
  const w = world(disk);
  await start(w, 1000);
  for (let skip = 0; skip < 4; skip++) await submit(w, submission(w, 1000, await mine(1000, 0, { skip })));
  await pass(w.clock, 1_500);
  return [...disk.files()].filter(([path]) => path.endsWith(".journal")).map(([, data]) => data);
}

function fileTargets(folder: string): Target[] {
  const onDisk =
    (name: string, read: (path: string) => unknown) =>
    (input: string | Uint8Array): unknown => {
      const path = join(folder, name);
      writeFileSync(path, input);
      return read(path);
    };
  const corpus = (name: string): string[] => {
    const text = readFileSync(new URL(`corpus/${name}`, import.meta.url), "utf8");
    return text.split("\n").filter((line) => line !== "");
  };
  const proofs = corpus("proof-files.txt");
  return [
    {
      name: "TOML configuration",
      seeds: [exampleConfig(), '[pool]\npoolfeerate = "0.05"\n[stratum]\nstratumport = 1234\n'],
      share: 0.2,
      parse: onDisk("config.toml", (path) => loadConfig(path, { required: true })),
    },
    {
      name: "block file",
      seeds: corpus("block-files.txt"),
      parse: (input) => parseBlockFile(textOf(input), "block.json"),
    },
    {
      name: "payout lines",
      seeds: corpus("payout-lines.txt"),
      parse: (input) => parsePayoutLines(textOf(input)),
    },
    { name: "compact JSON", seeds: corpus("payout-lines.txt"), parse: (input) => compactJson(textOf(input)) },
    {
      name: "prepared payout",
      seeds: corpus("payout-files.txt"),
      share: 0.3,
      parse: onDisk("prepared.json", readPreparedFile),
    },
    {
      name: "signed payout",
      seeds: corpus("payout-files.txt"),
      share: 0.3,
      parse: onDisk("signed.json", readSignedFile),
    },
    {
      name: "proof file",
      seeds: proofs,
      parse: (input) => {
        const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), provingFile), textOf(input));
        if (!parsed.success) return undefined;
        return parsed.output.format === "prosper-proof"
          ? verifyProof(parsed.output)
          : verifyReceipt(parsed.output);
      },
    },
  ];
}

interface FactomCase {
  readonly [field: string]: unknown;
}

/** Hex texts of the golden vectors that are long enough to be records. */
function hexTexts(file: string): Uint8Array[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (
      typeof value === "string" &&
      value.length >= 60 &&
      value.length < 8_000 &&
      /^(?:[0-9a-f]{2})+$/.test(value)
    )
      found.add(value);
    else if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) visit(inner);
  };
  visit(JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), "utf8")) as FactomCase);
  return [...found].slice(0, 200).map((hex) => fromHex(hex));
}

function chainTargets(): Target[] {
  const factom = hexTexts("factom.json");
  const oprs = [...hexTexts("opr_v1.json"), ...hexTexts("opr_v2.json")];
  const fat2 = hexTexts("factom_fat2.json");
  const entry = encodeEntry({
    chainId: "cffce0f409ebba4ed236d49d89c70e4bd1f1367d86402a3363366683265a242d",
    extIds: [Buffer.from("1600000000"), new Uint8Array(33), new Uint8Array(64)],
    content: Buffer.from(
      '{"version":1,"transactions":[{"input":{"address":"FA1","amount":1,"type":"PEG"},"transfers":[]}]}',
    ),
  });
  return [
    { name: "OPR", seeds: oprs, parse: (input) => parseOpr(bytesOf(input)) },
    { name: "entry", seeds: [entry, ...factom], parse: (input) => parseEntry(bytesOf(input)) },
    {
      name: "FAT-2 batch",
      seeds: [entry, ...fat2],
      parse: (input) => {
        const parsed = parseEntry(bytesOf(input));
        return parsed.ok ? parseFat2Batch(parsed.entry, 1_600_000_000) : undefined;
      },
    },
    {
      name: "FAT-2 content",
      seeds: [Buffer.from(entry).toString("latin1").slice(139)],
      parse: (input) => {
        const content = bytesOf(input);
        const extIds = [Buffer.from("1600000000"), new Uint8Array(33), new Uint8Array(64)];
        return parseFat2Batch(
          { chainId: "cffce0f409ebba4ed236d49d89c70e4bd1f1367d86402a3363366683265a242d", extIds, content },
          1_600_000_000,
        );
      },
    },
    { name: "directory block", seeds: factom, parse: (input) => parseDirectoryBlock(bytesOf(input)) },
    { name: "entry block", seeds: factom, parse: (input) => parseEntryBlock(bytesOf(input)) },
    { name: "commit", seeds: factom, parse: (input) => parseCommit(bytesOf(input)) },
    {
      name: "address",
      seeds: ["FA2jK2HcLnRdS94dEcU27rF3meoJfpUcZPSinpb7AwQvPRY6RL1Q"],
      parse: (input) => parseAddress("FA", textOf(input)),
    },
  ];
}

function priceTargets(): Target[] {
  const fixtures = new URL("../fixtures/prices/", import.meta.url);
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

/** Replies of a node to every call that the pool makes. */
async function factomdTarget(chance: Chance): Promise<Target> {
  let reply = "";
  const factomd: Factomd = createFactomd(
    { url: "http://127.0.0.1:1/v2", timeoutMs: 1_000 },
    {
      fetch: async (_url, init) => {
        const { id } = JSON.parse(String(init?.body)) as { id: number };
        return new Response(reply.replaceAll("$ID", `${id}`), { status: chance.hit(0.05) ? 500 : 200 });
      },
      clock: manualClock(),
      random: chance.bytes(),
    },
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
    seeds: results.map((result) =>
      JSON.stringify({ jsonrpc: "2.0", id: "$ID", result }).replace('"$ID"', "$ID"),
    ),
    parse: (input) => {
      reply = textOf(input);
      return chance.pick(calls)();
    },
  };
}
