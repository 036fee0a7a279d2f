// The Go reference's hash as a peer of `npm run bench`: `lxrhash TABLE BITS`, built in a checkout of pegnet/LXRHash or of what requires it. Answers
// each line "flat N" or "parallel N" with the CPU microseconds of N hashes, and "hash HEX" with the hash.
package main

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
			fmt.Printf("%x\n", lx.FlatHash(in))
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
