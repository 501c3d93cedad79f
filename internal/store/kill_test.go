package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transfer"
)

const kills = 15

// TestKilledWhileRecording kills a process that records, settles and closes as fast as it can, at random moments. What it has
// reported is there, and the store fits together; the next process goes on where it was.
func TestKilledWhileRecording(t *testing.T) {
	onBoth(t, func(r *rig) {
		dir := t.TempDir()
		pem, err := r.key.PEM()
		r.must(err)
		receiver, err := r.receivers[ministry].PEM()
		r.must(err)
		for name, content := range map[string][]byte{"key": pem, "receiver": receiver, "log": []byte(r.secret), "vault": []byte(r.vault)} {
			r.must(os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		total := int64(0)
		for i := range kills {
			reported := kill(t, r, dir, time.Duration(rand.IntN(25_000))*time.Microsecond)
			var logged int64
			r.must(r.s.DB().Get(&logged, "SELECT count(*) FROM message"))
			if logged < total+reported {
				t.Fatalf("kill %d: %d messages are in the store, and %d were reported", i, logged, total+reported)
			}
			r.check()
			total = logged
		}
		if total < kills {
			t.Errorf("only %d messages in %d lives: the kills came too early to mean anything", total, kills)
		}
		r.verified()
		t.Logf("%d messages logged over %d kills", total, kills)
	})
}

// kill starts the process, waits for its first report and then for the pause, kills it, and returns how many messages it reported.
func kill(t *testing.T, r *rig, dir string, pause time.Duration) (reported int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_VICTIM="+string(r.kind), "STORE_DSN="+r.dsn, "STORE_KEYS="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	r.must(err)
	r.must(cmd.Start())
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		var n int64
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			t.Errorf("the process said %q", lines.Text())
		}
		reported += n
		if timer == nil {
			timer = time.AfterFunc(pause, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait() // killed
	if timer == nil {
		t.Fatal("the process ended before it reported anything")
	}
	return reported
}

// victim records until it is killed, and prints after each Record how many messages that has logged.
func victim() int {
	dir := os.Getenv("STORE_KEYS")
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			panic(err)
		}
		return b
	}
	parse := func(pem []byte) *signing.Key {
		k, err := signing.ParseKey(pem)
		if err != nil {
			panic(err)
		}
		return k
	}
	r := &rig{TB: bare{ctx: context.Background()}, secret: string(read("log")), vault: string(read("vault")), kind: Kind(os.Getenv("STORE_VICTIM")), dsn: os.Getenv("STORE_DSN"),
		key: parse(read("key")), receivers: map[string]*signing.Key{ministry: parse(read("receiver"))}, now: start}
	r.open()
	ctx := context.Background()
	for {
		t := r.begin("pupils", ministry)
		var before []*transfer.Intent
		for number := 1; number < 20; number += 2 {
			a, b := r.part(t, number, number*10, 5, 1), r.part(t, number+1, number*10+10, 5, 0)
			w := r.work(t, a, b)
			for _, i := range before {
				w.Settlements = append(w.Settlements, r.settle(i, transfer.Delivered, false))
			}
			r.must(r.s.Record(ctx, r.tick(), w))
			fmt.Println(2)
			before = []*transfer.Intent{a.Intent, b.Intent}
		}
		r.must(r.s.Finish(ctx, r.tick(), &transfer.Report{Transfer: t}))
	}
}

// bare stands in for a test in the process that is killed.
type bare struct {
	testing.TB
	ctx context.Context
}

func (b bare) Context() context.Context { return b.ctx }
func (bare) Helper()                    {}
func (bare) Cleanup(func())             {}
func (bare) Fatal(args ...any)          { panic(fmt.Sprint(args...)) }
