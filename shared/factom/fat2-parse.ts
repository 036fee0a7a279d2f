/** Reading FAT-2 entries with pegnetd's verdicts (`fat/fat2` and `fat103`): what it refuses is never executed. */

import { MAX_U64 } from "../bytes.ts";
import { arrayElements, isJson, objectMembers } from "../json-source.ts";
import { encodeAddress, parseFaAddressLeniently, rcdHash } from "./address.ts";
import { verifySignature } from "./ed25519.ts";
import type { Entry } from "./entry.ts";
import { FAT2_AMOUNT_MAX, signedDigest } from "./fat2.ts";

export interface Fat2Transaction {
  /** 1e-8 of the token. */
  readonly amount: bigint;
  readonly ticker: string;
  /** FA addresses in canonical form. Empty for a conversion. */
  readonly transfers: readonly { readonly address: string; readonly amount: bigint }[];
  /** The ticker to convert into. */
  readonly conversion: string | undefined;
}

export interface Fat2Batch {
  /** The one FA address that all inputs share and that signed. */
  readonly source: string;
  readonly transactions: readonly Fat2Transaction[];
}

export type Fat2Fault =
  | "json"
  | "fields"
  | "version"
  | "no-transactions"
  | "address"
  | "amount"
  | "ticker"
  | "burn-address"
  | "no-output"
  | "sum"
  | "same-ticker"
  | "inputs"
  | "ext-ids"
  | "salt"
  | "expired"
  | "rcd"
  | "signature"
  | "signer";

export type ParsedBatch =
  | { readonly ok: true; readonly batch: Fat2Batch }
  | { readonly ok: false; readonly reason: Fat2Fault };

/** The FA address of the all-zero key, which anybody knows. */
export const BURN_ADDRESS = "FA1zT4aFpEvcnPqPCigB3fvGu4Q4mTXY22iiuV69DqE1pNhdF2MC";

/** Seconds between the salt and the entry's block minute. */
const SALT_WINDOW_S = 12 * 60 * 60;

/** In pegnetd's order of tokens. */
export const TICKERS: readonly string[] =
  "PEG pUSD pEUR pJPY pGBP pCAD pCHF pINR pSGD pCNY pHKD pKRW pBRL pPHP pMXN pXAU pXAG pXBT pETH pLTC pRVN pXBC pFCT pBNB pXLM pADA pXMR pDASH pZEC pDCR pAUD pNZD pSEK pNOK pRUB pZAR pTRY pEOS pLINK pATOM pBAT pXTZ pHBAR pNEO pCRO pETC pONT pDOGE pVET pHT pALGO pDGB pAED pARS pTWD pRWF pKES pUGX pTZS pBIF pETB pNGN".split(
    " ",
  );

/** Thrown inside this file only, so that the nested readers stay readable. */
class Refusal extends Error {
  readonly reason: Fat2Fault;
  constructor(reason: Fat2Fault) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Reads and checks a transaction batch. `timestampS` is the Unix time of the entry's block minute.
 * Differs from pegnetd: signatures by Ethereum keys (RCD type 0x0e) are refused; pools pay with factoid keys.
 */
export function parseFat2Batch(entry: Entry, timestampS: number): ParsedBatch {
  try {
    const inputs = readTransactions(entry.content);
    const [first] = inputs;
    if (first === undefined) throw new Refusal("no-transactions");
    for (const input of inputs) checkTransaction(input);
    if (inputs.some((input) => input.source !== first.source)) throw new Refusal("inputs");
    checkSignature(entry, first.source, timestampS);
    if (inputs.some((input) => input.amount > FAT2_AMOUNT_MAX)) throw new Refusal("amount");
    const transactions = inputs.map(({ source: _, ...transaction }) => transaction);
    return { ok: true, batch: { source: first.source, transactions } };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { ok: false, reason: thrown.reason };
    throw thrown;
  }
}

type ReadTransaction = Fat2Transaction & { readonly source: string };

function readTransactions(content: Uint8Array): readonly ReadTransaction[] {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  if (!isJson(text)) throw new Refusal("json");
  // The reference knows batch metadata, but its length check refuses it anyway.
  const fields = readFields(text, ["version", "transactions"], []);
  const version = plainInteger(fields.get("version") ?? "");
  if (version === undefined) throw new Refusal("version");
  const elements = arrayElements(fields.get("transactions") ?? "");
  if (elements === undefined) throw new Refusal("no-transactions");
  const transactions = elements.map(readTransaction);
  if (version !== 1n) throw new Refusal("version");
  return transactions;
}

function readTransaction(raw: string): ReadTransaction {
  const fields = readFields(raw, ["input"], ["transfers", "conversion", "metadata"]);
  const input = readFields(fields.get("input") ?? "", ["address", "amount", "type"], []);
  const conversion = fields.get("conversion");
  const transfers = fields.get("transfers");
  if (conversion !== undefined && transfers !== undefined) throw new Refusal("fields");
  const elements = transfers === undefined ? [] : arrayElements(transfers);
  if (elements === undefined) throw new Refusal("fields");
  return {
    source: readAddress(input.get("address")),
    amount: readAmount(input.get("amount")),
    ticker: readTicker(input.get("type")),
    transfers: elements.map((element) => {
      const transfer = readFields(element, ["address", "amount"], []);
      return { address: readAddress(transfer.get("address")), amount: readAmount(transfer.get("amount")) };
    }),
    conversion: conversion === undefined ? undefined : readTicker(conversion),
  };
}

/** Each field at most once, no other fields, the required ones present. Go ignores the case of keys. */
function readFields(
  raw: string,
  required: readonly string[],
  optional: readonly string[],
): ReadonlyMap<string, string> {
  const members = objectMembers(raw);
  if (members === undefined) throw new Refusal("fields");
  const fields = new Map(members.map(([key, value]) => [key.toLowerCase(), value]));
  const known = [...required, ...optional];
  const isExact = fields.size === members.length && [...fields.keys()].every((key) => known.includes(key));
  if (!isExact || required.some((key) => !fields.has(key))) throw new Refusal("fields");
  return fields;
}

/** The text of a string without escapes; undefined for every other value. */
function plainString(source: string): string | undefined {
  return /^"[^"\\]*"$/.test(source) ? source.slice(1, -1) : undefined;
}

/** An integer without sign, fraction or exponent, in whole; undefined for every other value. */
function plainInteger(source: string): bigint | undefined {
  return /^(?:0|[1-9]\d*)$/.test(source) ? BigInt(source) : undefined;
}

function readAddress(raw: string | undefined): string {
  const hash = parseFaAddressLeniently(plainString(raw ?? "") ?? "");
  if (hash === undefined) throw new Refusal("address");
  return encodeAddress("FA", hash);
}

function readAmount(raw: string | undefined): bigint {
  // null leaves Go's integer at zero.
  const amount = raw === "null" ? 0n : plainInteger(raw ?? "");
  if (amount === undefined || amount > MAX_U64) throw new Refusal("amount");
  return amount;
}

function readTicker(raw: string | undefined): string {
  const ticker = plainString(raw ?? "");
  if (ticker === undefined || !TICKERS.includes(ticker)) throw new Refusal("ticker");
  return ticker;
}

function checkTransaction(transaction: ReadTransaction): void {
  const { transfers, conversion } = transaction;
  if (transaction.source === BURN_ADDRESS) throw new Refusal("burn-address");
  if (transfers.length === 0 && conversion === undefined) throw new Refusal("no-output");
  const sum = transfers.reduce((total, transfer) => total + transfer.amount, 0n);
  if (conversion === undefined && sum !== transaction.amount) throw new Refusal("sum");
  if (conversion === transaction.ticker) throw new Refusal("same-ticker");
}

function checkSignature(entry: Entry, source: string, timestampS: number): void {
  const [salt, rcd, signature, ...more] = entry.extIds;
  if (salt === undefined || rcd === undefined || signature === undefined || more.length > 0)
    throw new Refusal("ext-ids");
  const saltText = new TextDecoder().decode(salt);
  if (!/^[+-]?\d{1,19}$/.test(saltText)) throw new Refusal("salt");
  if (Math.abs(timestampS - Number(saltText)) > SALT_WINDOW_S) throw new Refusal("expired");
  if (rcd.length !== 33 || rcd[0] !== 1) throw new Refusal("rcd");
  const digest = signedDigest(salt, entry.chainId, entry.content);
  if (!verifySignature(rcd.subarray(1), digest, signature)) throw new Refusal("signature");
  if (encodeAddress("FA", rcdHash(rcd)) !== source) throw new Refusal("signer");
}
