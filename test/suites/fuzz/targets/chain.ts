/** What anybody may put on the chain, mutated. */

import { readFileSync } from "node:fs";
import { fromHex } from "../../../../shared/bytes.ts";
import { parseAddress } from "../../../../shared/factom/address.ts";
import { parseDirectoryBlock, parseEntryBlock } from "../../../../shared/factom/block.ts";
import { parseCommit } from "../../../../shared/factom/commit.ts";
import { encodeEntry, parseEntry } from "../../../../shared/factom/entry.ts";
import { parseFat2Batch } from "../../../../shared/factom/fat2-parse.ts";
import { parseOpr } from "../../../../shared/opr/parse.ts";
import { bytesOf, type Target, textOf } from "./target.ts";

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
  visit(
    JSON.parse(
      readFileSync(new URL(`../../../support/vectors/${file}`, import.meta.url), "utf8"),
    ) as FactomCase,
  );
  return [...found].slice(0, 200).map((hex) => fromHex(hex));
}

/** Records and blocks of the chain. */
export function chainTargets(): Target[] {
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
