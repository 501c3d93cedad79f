// Command authority is the receiving side of transfers; package authority says what it does.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"birgeoqy.kz/almasu/internal/authority"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code := authority.Main(ctx, os.Args[1:], os.Stdout, os.Stderr, time.Now)
	stop()
	os.Exit(code)
}
