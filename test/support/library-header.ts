/** What a library's first bytes say it is made for, as the formats' own documents have it. Throws Error for anything else. */

const ELF = 0x7f454c46;
const MACH_O_64 = 0xfeedfacf;
const PE = 0x4550;
const PE32_PLUS = 0x20b;

export interface LibraryHeader {
  readonly format: "ELF" | "Mach-O" | "PE";
  readonly arch: string;
  readonly isLibrary: boolean;
  /** Libraries that it needs. */
  readonly needs: readonly string[];
  /** Mach-O: a Mac with arm64 runs nothing that has no signature, if only one made for the purpose. */
  readonly isSigned: boolean;
}

export function readHeader(file: Buffer): LibraryHeader {
  if (file.readUInt32BE(0) === ELF) return readElf(file);
  if (file.readUInt32LE(0) === MACH_O_64) return readMachO(file);
  if (file.toString("latin1", 0, 2) === "MZ") return readPe(file);
  throw new Error(`neither ELF nor Mach-O nor PE: it begins with ${file.toString("hex", 0, 4)}`);
}

const ELF_MACHINES: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };
const ET_DYN = 3;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** Little endian, 64 bits. */
function readElf(file: Buffer): LibraryHeader {
  const machine = file.readUInt16LE(18);
  const segments = Array.from({ length: file.readUInt16LE(56) }, (_, i) => {
    const at = Number(file.readBigUInt64LE(32)) + i * file.readUInt16LE(54);
    const [offset = 0, address = 0, , size = 0] = [8, 16, 24, 32].map((k) =>
      Number(file.readBigUInt64LE(at + k)),
    );
    return { type: file.readUInt32LE(at), offset, address, size };
  });
  const toOffset = (address: number): number => {
    const segment = segments.find((one) => address >= one.address && address < one.address + one.size);
    return address - (segment?.address ?? 0) + (segment?.offset ?? 0);
  };
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const entries = Array.from({ length: Math.floor((dynamic?.size ?? 0) / 16) }, (_, i) => ({
    tag: Number(file.readBigUInt64LE((dynamic?.offset ?? 0) + i * 16)),
    value: Number(file.readBigUInt64LE((dynamic?.offset ?? 0) + i * 16 + 8)),
  }));
  const names = toOffset(entries.find(({ tag }) => tag === DT_STRTAB)?.value ?? 0);
  return {
    format: "ELF",
    arch: ELF_MACHINES[machine] ?? `${machine}`,
    isLibrary: file.readUInt16LE(16) === ET_DYN,
    needs: entries.filter(({ tag }) => tag === DT_NEEDED).map(({ value }) => readText(file, names + value)),
    isSigned: false,
  };
}

const MACH_CPUS: Readonly<Record<number, string>> = { 16777223: "x64", 16777228: "arm64" };
const MH_DYLIB = 6;
const LC_LOAD_DYLIB = 0xc;
const LC_CODE_SIGNATURE = 0x1d;

function readMachO(file: Buffer): LibraryHeader {
  const cpu = file.readUInt32LE(4);
  const needs: string[] = [];
  let isSigned = false;
  let at = 32;
  for (let i = 0; i < file.readUInt32LE(16); i++, at += file.readUInt32LE(at + 4)) {
    const command = file.readUInt32LE(at);
    if (command === LC_LOAD_DYLIB) needs.push(readText(file, at + file.readUInt32LE(at + 8)));
    if (command === LC_CODE_SIGNATURE) isSigned = true;
  }
  return {
    format: "Mach-O",
    arch: MACH_CPUS[cpu] ?? `${cpu}`,
    isLibrary: file.readUInt32LE(12) === MH_DYLIB,
    needs,
    isSigned,
  };
}

const PE_MACHINES: Readonly<Record<number, string>> = { 34404: "x64", 43620: "arm64" };
const IS_DLL = 0x2000;
/** Bytes from the optional header to the size of the directory of imports. */
const IMPORTS_SIZE = 112 + 8 + 4;

function readPe(file: Buffer): LibraryHeader {
  const at = file.readUInt32LE(0x3c);
  if (file.readUInt32LE(at) !== PE || file.readUInt16LE(at + 24) !== PE32_PLUS)
    throw new Error("no PE of 64 bits");
  const machine = file.readUInt16LE(at + 4);
  return {
    format: "PE",
    arch: PE_MACHINES[machine] ?? `${machine}`,
    isLibrary: (file.readUInt16LE(at + 22) & IS_DLL) !== 0,
    needs: file.readUInt32LE(at + 24 + IMPORTS_SIZE) === 0 ? [] : ["something"],
    isSigned: false,
  };
}

function readText(file: Buffer, at: number): string {
  return file.toString("latin1", at, file.indexOf(0, at));
}
