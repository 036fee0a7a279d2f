/** Every file that is read: settings, proofs, payouts, tables, keys. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { readPreparedFile, readSignedFile } from "../../../../infra/cli/payout/files.ts";
import { readListSignature } from "../../../../infra/cli/payout/list-signature.ts";
import { readMemory } from "../../../../infra/cli/payout/memory.ts";
import { readKeyFile } from "../../../../infra/cli/payout/private-keys.ts";
import { parseBlockFile } from "../../../../infra/cli/tools/block-file.ts";
import { exampleConfig } from "../../../../infra/config/example.ts";
import { loadConfig } from "../../../../infra/config/load.ts";
import { containerSettings } from "../../../../infra/container/settings.ts";
import { openBlockLog } from "../../../../infra/devnet/block-log.ts";
import { BLOCK } from "../../../../infra/devnet/chain-records.ts";
import { readDevnetPool } from "../../../../infra/pool/devnet-pool.ts";
import { ensureReceiptKey } from "../../../../infra/pool/receipt-key.ts";
import { parsePayoutLines } from "../../../../shared/factom/payout.ts";
import { tableBytes } from "../../../../shared/hash/shared-table.ts";
import { readTable } from "../../../../shared/hash/table-file.ts";
import { compactJson } from "../../../../shared/json-source.ts";
import { SILENT } from "../../../../shared/logger.ts";
import { provingFile } from "../../../../shared/proofs/proof-file.ts";
import { verifyProof, verifyReceipt } from "../../../../shared/proofs/verify.ts";
import { smallTable } from "../../../support/hash/small-table.ts";
import type { Chance } from "../../../support/random.ts";
import { type Input, type Target, textOf, variablesOf } from "./target.ts";

/** `folder`: where they lie, one of each. */
export async function fileTargets(folder: string, chance: Chance): Promise<Target[]> {
  const table = smallTable(TABLE_BITS);
  const onDisk =
    (name: string, read: (path: string) => unknown) =>
    (input: Input): unknown => {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, input);
      return read(path);
    };
  const corpus = (name: string): string[] => {
    const text = readFileSync(new URL(`../corpus/${name}`, import.meta.url), "utf8");
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
      name: "signature of a payout list",
      seeds: [
        `{"prosper":"payout-signature","version":1,"saltSeconds":1700000000,"signature":"${"ab".repeat(64)}"}`,
      ],
      share: 0.2,
      parse: onDisk("list.json.signature", (path) => readListSignature(path.replace(/\.signature$/, ""))),
    },
    {
      name: "memory of a machine that signs",
      seeds: [`{"version":1,"poolKey":"${"ab".repeat(32)}","paidAt":{"ann":"FA1"}}`],
      share: 0.2,
      parse: onDisk("signing/payout-signing.json", (path) => readMemory(dirname(path))),
    },
    {
      name: "private keys",
      seeds: ["# paying\nFs1abc\nEs1abc\n"],
      share: 0.2,
      parse: onDisk("keys.txt", readKeyFile),
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
    {
      name: "container settings",
      seeds: [JSON.stringify(CONTAINER)],
      parse: (input) => containerSettings(variablesOf(input), "/data"),
    },
    {
      name: "LXR table",
      seeds: [Uint8Array.from(tableBytes(table))],
      share: 0.3,
      parse: onDisk("lxr.dat", (path) => readTable(path, table, {})),
    },
    {
      name: "receipt key",
      seeds: [`${"0123456789abcdef".repeat(4)}\n`],
      share: 0.2,
      parse: onDisk("receipts/receipt-key", (path) => ensureReceiptKey(dirname(path), chance.bytes())),
    },
    {
      name: "devnet keys",
      seeds: ['{"fs":"Fs1","es":"Es1","miner":"Fs2","guest":"Fs3"}'],
      share: 0.2,
      parse: onDisk("devnet/keys.json", (path) => {
        writeFileSync(join(dirname(path), "endpoints.json"), '{"factomd":"http://127.0.0.1:1/v2"}');
        return readDevnetPool(dirname(path));
      }),
    },
    {
      name: "devnet chain",
      seeds: [await devnetChain(join(folder, "seed"))],
      share: 0.2,
      parse: onDisk("chain/chain-000000001.log", async (path) => {
        const log = await openBlockLog(dirname(path), (header) => void v.safeParse(BLOCK, header), SILENT);
        await log.close();
      }),
    },
  ];
}

const TABLE_BITS = 8;

/** A log of two records, as the devnet writes it. */
async function devnetChain(folder: string): Promise<Uint8Array> {
  const log = await openBlockLog(folder, () => undefined, SILENT);
  await log.rotate(1, 0);
  for (const height of [1000, 1001])
    await log.append({ header: { type: "block", height }, body: new Uint8Array(40).fill(height) });
  await log.close();
  return readFileSync(join(folder, "chain-000000001.log"));
}

/** Everything that a container may be told. */
const CONTAINER = {
  PROSPER_CONFIG: '[pool]\nopridentity = "Prosper"\n[stratum]\nstratumport = 3333\n',
  ...{ PROSPER_ES_ADDRESS: "Es1", STRATUM_TLS_CERT: "-----BEGIN", STRATUM_TLS_KEY: "-----BEGIN" },
  ...{ DATABASE_HOST: "db", DATABASE_PORT: "5432", DATABASE_USER: "u", DATABASE_PASSWORD: "p" },
  ...{ DATABASE_NAME: "prosper", DATABASE_SSLMODE: "verify-full" },
};
