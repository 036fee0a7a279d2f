// The Go pool's stratum server as a peer of `npm run bench`: `pool PORT BITS`, in a folder of a checkout of prosper-pool. Every name may log in, every
// share is hashed; a line `job HEIGHT OPRHASH` on standard input announces a job to all.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/FactomWyomingEntity/prosper-pool/config"
	"github.com/FactomWyomingEntity/prosper-pool/stratum"
	log "github.com/sirupsen/logrus"
	"github.com/spf13/viper"
)

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	os.Setenv("LXRBITSIZE", os.Args[2])
	log.SetLevel(log.ErrorLevel)
	settings := viper.New()
	settings.Set(config.ConfigStratumPort, port)
	settings.Set(config.ConfigStratumRequireAuth, false)
	settings.Set(config.ConfigStratumCheckAllWork, true)
	server, err := stratum.NewServer(settings)
	if err != nil {
		panic(err)
	}
	go server.Listen(context.Background())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var height int32
		var oprHash string
		if _, err := fmt.Sscanf(lines.Text(), "job %d %s", &height, &oprHash); err == nil {
			server.UpdateCurrentJob(&stratum.Job{JobID: height, OPRHash: oprHash})
		}
	}
}
