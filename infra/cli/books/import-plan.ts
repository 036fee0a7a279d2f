/**
 * What an import from the Go pool changes (docs/decisions/go-pool.md): users that are not here, what each earned there as one correction, what it was
 * paid there as the payments that they were. Only what is not here already, so that it can be run again.
 */

import * as v from "valibot";
import { compareNames } from "../../../shared/accounting/name-order.ts";
import type { ReceiptLine } from "../../../shared/db/payments.ts";
import { isValidFaAddress } from "../../../shared/factom/address.ts";
import { userName } from "../../../shared/messages/summary.ts";
import { sha256Hex } from "../../../shared/sha256.ts";
import type { GoPool } from "./go-pool.ts";

/** What of it is here. */
export interface Imported {
  readonly users: ReadonlyMap<string, { readonly address: string | null; readonly isAdmin: boolean }>;
  /** By user, what earlier imports have credited. */
  readonly earned: ReadonlyMap<string, bigint>;
  /** By entry and user. */
  readonly payments: ReadonlyMap<string, ReadonlyMap<string, bigint>>;
}

export interface Earning {
  readonly user: string;
  /** 1e-8 PEG, beside what was credited before; below 0 where the Go pool has less than then. */
  readonly amount: bigint;
  readonly reason: string;
  /** The same for the same step, so that two imports at once book it once. */
  readonly requestId: string;
}

/** Whom it is left to a person to decide about. Nothing of theirs is imported, so that nothing is paid twice. */
export interface LeftOut {
  readonly user: string;
  readonly why: string;
  /** What the Go pool owes, 1e-8 PEG. */
  readonly owed: bigint;
}

export interface ImportPlan {
  /** `address` null: none that can be paid. */
  readonly users: readonly { readonly name: string; readonly address: string | null }[];
  /** Of users who are here without one. */
  readonly addresses: readonly { readonly name: string; readonly address: string }[];
  readonly earnings: readonly Earning[];
  /** By entry, in the order in which they were paid. */
  readonly receipts: readonly (readonly ReceiptLine[])[];
  readonly leftOut: readonly LeftOut[];
}

export const REQUEST_PREFIX = "go-pool:";
const ENTRY_HASH = /^[0-9a-f]{64}$/;

interface Account {
  readonly name: string;
  readonly addresses: ReadonlySet<string>;
  readonly earned: bigint;
  readonly lastBlock: number;
  readonly paid: readonly ReceiptLine[];
}

export function planImport(pool: GoPool, here: Imported): ImportPlan {
  const accounts = accountsOf(pool);
  const leftOut = accounts.flatMap((account) => {
    const why = whyLeftOut(account, here);
    return why === undefined ? [] : [{ user: account.name, why, owed: account.earned - sumOf(account.paid) }];
  });
  const left = new Set(leftOut.map(({ user }) => user));
  const taken = accounts.filter(({ name }) => !left.has(name));
  const withAddress = taken.map((account) => ({ name: account.name, address: addressOf(account) }));
  return {
    users: withAddress.filter(({ name }) => !here.users.has(name)),
    addresses: withAddress.flatMap(({ name, address }) =>
      address !== null && here.users.get(name)?.address === null ? [{ name, address }] : [],
    ),
    earnings: taken.flatMap((account) => earningOf(account, here)),
    receipts: receiptsOf(taken, pool, here),
    leftOut,
  };
}

/** Everybody that the Go pool knows a name of, in the order of names. */
function accountsOf(pool: GoPool): Account[] {
  const addresses = new Map<string, Set<string>>();
  for (const { name, address } of pool.users) {
    const own = addresses.get(name) ?? new Set();
    if (address !== "") own.add(address);
    addresses.set(name, own);
  }
  const earned = new Map(pool.earned.map((row) => [row.user, row]));
  const paid = Map.groupBy(pool.paid, ({ user }) => user);
  const names = new Set([...addresses.keys(), ...earned.keys(), ...paid.keys()]);
  return [...names].toSorted(compareNames).map((name) => ({
    name,
    addresses: addresses.get(name) ?? new Set(),
    earned: earned.get(name)?.amount ?? 0n,
    lastBlock: earned.get(name)?.lastBlock ?? 0,
    paid: paid.get(name) ?? [],
  }));
}

function whyLeftOut(account: Account, here: Imported): string | undefined {
  const { name, addresses, earned, paid } = account;
  if (!v.is(userName, name)) return "no user here can have this name";
  if (addresses.size > 1)
    return `it stands twice there, with different addresses: ${[...addresses].join(", ")}`;
  const own = here.users.get(name);
  if (own?.isAdmin === true) return "an administrator here has this name, and administrators do not mine";
  // Somebody else may have registered the name here: then the money is not for them.
  const wasImported = here.earned.has(name);
  const [address] = addresses;
  if (own !== undefined && own.address !== null && !wasImported && own.address !== address)
    return `this name is registered here with another address, ${own.address}; there it is ${address ?? "without one"}`;
  if (paid.some(({ amount }) => amount <= 0n)) return "a payment there is of 0 PEG or less";
  if (paid.some(({ entryHash }) => !ENTRY_HASH.test(entryHash))) return "a payment there names no entry";
  if (new Set(paid.map(({ entryHash }) => entryHash)).size < paid.length)
    return "one entry there pays it twice";
  if (sumOf(paid) > earned) return "it was paid more there than it had earned";
  return paid.some((line) => isOtherHere(line, here))
    ? "one of its payments there stands in these books without it, or with another amount"
    : undefined;
}

/** Books can be added to by whole entries only. */
function isOtherHere({ entryHash, user, amount }: ReceiptLine, here: Imported): boolean {
  const booked = here.payments.get(entryHash);
  return booked !== undefined && booked.get(user) !== amount;
}

function addressOf({ addresses }: Account): string | null {
  const [address] = addresses;
  return address !== undefined && isValidFaAddress(address) ? address : null;
}

function earningOf({ name, earned, lastBlock }: Account, here: Imported): Earning[] {
  const before = here.earned.get(name) ?? 0n;
  if (earned === before) return [];
  return [
    {
      user: name,
      amount: earned - before,
      reason: `earned in the pool before this one, until block ${lastBlock}`,
      requestId: `${REQUEST_PREFIX}${sha256Hex(name).slice(0, 16)}:${before}:${earned}`,
    },
  ];
}

function receiptsOf(taken: readonly Account[], pool: GoPool, here: Imported): ReceiptLine[][] {
  const names = new Set(taken.map(({ name }) => name));
  const open = pool.paid.filter(({ entryHash, user }) => names.has(user) && !here.payments.has(entryHash));
  return [...Map.groupBy(open, ({ entryHash }) => entryHash).values()];
}

function sumOf(lines: readonly ReceiptLine[]): bigint {
  return lines.reduce((sum, { amount }) => sum + amount, 0n);
}
