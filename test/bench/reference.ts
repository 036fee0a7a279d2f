/** The Go reference as a contender of the benchmark: a small driver of our own, built in a temporary folder against a given checkout. */

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { toHex } from "../../shared/bytes.ts";
import { tablePath } from "../../shared/hash/table-file.ts";

export interface Contender {
  readonly name: string;
  /** Makes this many hashes; CPU microseconds it took. */
  run(hashes: number): Promise<number>;
}

export interface Reference {
  readonly contenders: readonly Contender[];
  hash(input: Uint8Array): Promise<string>;
  close(): Promise<void>;
}

const GO_MOD = (checkout: string): string => `module driver

go 1.13

require github.com/pegnet/LXRHash v0.0.0

replace github.com/pegnet/LXRHash => ${checkout}
`;

/** Answers each line "flat N", "parallel N" (CPU microseconds for N hashes) or "hash HEX". */
const DRIVER = `package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	lxr "github.com/pegnet/LXRHash"
)

func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000
}

func main() {
	bits, _ := strconv.ParseUint(os.Args[2], 10, 64)
	table, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	lx := lxr.LXRHash{ByteMap: table, MapSize: 1 << bits, MapSizeBits: bits, Passes: 5, Seed: lxr.Seed, HashSize: 32}
	base := make([]byte, 37)
	counter := uint32(0)
	next := func(to []byte) []byte {
		counter++
		binary.BigEndian.PutUint32(to[len(to)-4:], counter)
		return to
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if words[0] == "hash" {
			in, _ := hex.DecodeString(words[1])
			fmt.Printf("%x\\n", lx.FlatHash(in))
			continue
		}
		n, _ := strconv.Atoi(words[1])
		from := cpu()
		if words[0] == "flat" {
			in := make([]byte, 41)
			for i := 0; i < n; i++ {
				lx.FlatHash(next(in))
			}
		} else {
			batch := make([][]byte, 16)
			for i := range batch {
				batch[i] = make([]byte, 4)
			}
			for i := 0; i < n; i += 16 {
				for k := range batch {
					next(batch[k])
				}
				lx.HashParallel(base, batch)
			}
		}
		fmt.Println(cpu() - from)
	}
}
`;

/** Builds and starts the driver over the same table file. Rejects with the Go toolchain's words. */
export async function startReference(checkout: string, bits: number): Promise<Reference> {
  const folder = await mkdtemp(join(tmpdir(), "lxr-bench-"));
  try {
    await writeFile(join(folder, "go.mod"), GO_MOD(resolve(checkout)));
    await writeFile(join(folder, "main.go"), DRIVER);
    await promisify(execFile)("go", ["build", "-o", "driver", "."], { cwd: folder });
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  const child = spawn(join(folder, "driver"), [tablePath(join(homedir(), ".lxrhash"), bits), String(bits)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("the reference's driver ended");
    return value;
  };
  return {
    contenders: [
      { name: "FlatHash", run: async (hashes) => Number(await ask(`flat ${hashes}`)) },
      { name: "HashParallel(16)", run: async (hashes) => Number(await ask(`parallel ${hashes}`)) },
    ],
    hash: (input) => ask(`hash ${toHex(input)}`),
    close: async () => {
      child.stdin.end();
      await rm(folder, { recursive: true });
    },
  };
}
