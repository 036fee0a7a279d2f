/**
 * V2 to V5 OPR contents: one protobuf message {1 address, 2 id, 3 int32 height, 4 winners, 5 packed uint64 assets}, byte for
 * byte as the reference's generated code reads and writes it (pegnet `modules/opr/V2Content.pb.go`; `test/support/vectors/opr_v2.json`).
 * It is laxer than the protobuf rules: no UTF-8 check, over-long varints, a packed list may run over its length.
 */

import { concat } from "../bytes.ts";
import { bytesToText, textToBytes } from "./byte-text.ts";
import type { Parsed, ProtobufOpr } from "./record.ts";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Thrown inside this file only, where the bytes are no message. */
class Malformed extends Error {}

/** The record in the bytes, or why the reference would refuse them. Never throws. */
export function parseOprV2(content: Uint8Array): Parsed<ProtobufOpr> {
  if (content.length === 0) return { ok: false, reason: "expected a protobuf message, got no bytes" };
  try {
    return { ok: true, value: readMessage(new WireReader(content)) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message };
    throw error;
  }
}

/** The content of a record: fields in order, empty ones left out, unknown ones behind. */
export function encodeOprV2(opr: Omit<ProtobufOpr, "format">): Uint8Array {
  const parts: Uint8Array[] = [];
  const address = textToBytes(opr.address);
  const id = textToBytes(opr.id);
  if (address.length > 0) parts.push(lengthDelimited(1, address));
  if (id.length > 0) parts.push(lengthDelimited(2, id));
  if (opr.height !== 0) parts.push(varint(3n << 3n), varint(BigInt.asUintN(64, BigInt(opr.height))));
  for (const winner of opr.winners) parts.push(lengthDelimited(4, winner));
  if (opr.assets.length > 0) parts.push(lengthDelimited(5, concat(...opr.assets.map(varint))));
  return concat(...parts, opr.unknown);
}

function lengthDelimited(field: number, bytes: Uint8Array): Uint8Array {
  return concat(varint(BigInt((field << 3) | BYTES)), varint(BigInt(bytes.length)), bytes);
}

function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

function readMessage(reader: WireReader): ProtobufOpr {
  let address = "";
  let id = "";
  let height = 0;
  const winners: Uint8Array[] = [];
  const assets: bigint[] = [];
  const unknown: Uint8Array[] = [];
  while (!reader.isAtEnd()) {
    const start = reader.at;
    const { field, type } = reader.tag();
    switch (field) {
      case 1:
        expectType(type, BYTES, "address");
        address = bytesToText(reader.bytes());
        break;
      case 2:
        expectType(type, BYTES, "id");
        id = bytesToText(reader.bytes());
        break;
      case 3:
        expectType(type, VARINT, "height");
        // Higher bits are dropped, as in the reference.
        height = Number(BigInt.asIntN(32, reader.varint()));
        break;
      case 4:
        expectType(type, BYTES, "winners");
        winners.push(reader.bytes().slice());
        break;
      case 5:
        readAssets(reader, type, assets);
        break;
      default:
        unknown.push(reader.skipField(start));
    }
  }
  const unknownBytes = Uint8Array.from(unknown.flatMap((field) => [...field]));
  return { format: "protobuf", address, id, height, winners, assets, unknown: unknownBytes };
}

function expectType(type: number, wanted: number, field: string): void {
  if (type !== wanted) throw new Malformed(`${field}: expected wire type ${wanted}, got ${type}`);
}

/** One number, or a packed list. The list ends with the number that reaches its end, even if that number goes beyond it. */
function readAssets(reader: WireReader, type: number, assets: bigint[]): void {
  if (type === VARINT) {
    assets.push(reader.varint());
    return;
  }
  expectType(type, BYTES, "assets");
  const end = reader.lengthEnd();
  while (reader.at < end) assets.push(reader.varint());
}

class WireReader {
  at = 0;
  private readonly content: Uint8Array;

  constructor(content: Uint8Array) {
    this.content = content;
  }

  isAtEnd(): boolean {
    return this.at === this.content.length;
  }

  /** Up to ten bytes; bits above the 64th are dropped. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.content[this.at++];
      if (byte === undefined) throw new Malformed("the message ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Malformed("a number has more than ten bytes");
  }

  /** The next tag; the field number is cut to 32 bits. */
  tag(): { field: number; type: number } {
    const tag = this.varint();
    const type = Number(tag & 7n);
    const field = Number(BigInt.asIntN(32, tag >> 3n));
    if (type === GROUP_END) throw new Malformed("a group ends that never began");
    if (field <= 0) throw new Malformed(`expected a field number above 0, got ${field}`);
    return { field, type };
  }

  /** Reads a length and returns where the bytes behind it end. */
  lengthEnd(): number {
    const length = this.varint();
    if (length > BigInt(this.content.length - this.at))
      throw new Malformed(`a field of ${length} bytes runs over the end of the message`);
    return this.at + Number(length);
  }

  bytes(): Uint8Array {
    const end = this.lengthEnd();
    const found = this.content.subarray(this.at, end);
    this.at = end;
    return found;
  }

  /** The whole unknown field that starts at `start`. Groups are walked without recursion: hostile ones nest deeply. */
  skipField(start: number): Uint8Array {
    this.at = start;
    let depth = 0;
    do depth += this.skipOne(Number(this.varint() & 7n));
    while (depth > 0);
    if (this.at > this.content.length) throw new Malformed("the message ends inside an unknown field");
    return this.content.slice(start, this.at);
  }

  /** Skips the value behind a tag; returns how the depth of groups changes. */
  private skipOne(type: number): number {
    if (type === VARINT) this.varint();
    else if (type === FIXED64) this.at += 8;
    else if (type === FIXED32) this.at += 4;
    else if (type === BYTES) this.at = this.lengthEnd();
    else if (type === GROUP_START) return 1;
    else if (type === GROUP_END) return -1;
    else throw new Malformed(`expected a wire type from 0 to 5, got ${type}`);
    return 0;
  }
}
