package kill

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/needs"
	"birgeoqy.kz/almasu/internal/store"
)

// fault is a system call that fails: the n-th of a thread, n up to most, or from that on every one. Sockets are written and read by write and read.
type fault struct {
	calls, errno string
	most         int
}

// senderFaults are those of almasu by the kind of its store, receiverFaults those of the authority.
var (
	network = []fault{{"write", "ECONNRESET", 15}, {"write", "EPIPE", 15}, {"read", "ECONNRESET", 30}, {"connect", "ECONNREFUSED", 2}, {"connect", "ETIMEDOUT", 2}}
	disk    = []fault{
		{"pwrite64", "EIO", 40}, {"pwrite64", "ENOSPC", 40}, {"write", "ENOSPC", 15}, {"pread64", "EIO", 15}, {"fsync,fdatasync", "EIO", 4},
		{"ftruncate,unlink,unlinkat,rename,renameat,renameat2", "EIO", 2}, {"openat", "EMFILE", 40},
	}
	senderFaults   = map[store.Kind][]fault{store.SQLite: append(disk, network...), store.Postgres: network}
	receiverFaults = append(disk, fault{"write", "ECONNRESET", 15}, fault{"read", "ECONNRESET", 15}, fault{"accept4", "EMFILE", 3})
)

// patience is how long a life may be with its faults; then it is killed.
const patience = 1500 * time.Millisecond

// TestSystemCallsFail lets one system call after another fail in a transfer, of almasu and of the authority. Afterwards both go on without faults.
func TestSystemCallsFail(t *testing.T) {
	if out, err := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "inject=fsync:error=EIO:when=1", "true").CombinedOutput(); err != nil {
		needs.Missing(t, "strace that may trace (is it installed, is ptrace allowed?): %v\n%s", err, out)
	}
	onBoth(t, func(t *testing.T, dsn func() string) {
		w := newWorld(t, shipped, dsn(), pointPeople, pointBatch)
		failed, lives := 0, 0
		for round := range number(t, "ALMASU_SYSCALLS", 2) {
			for i, f := range append(append([]fault{}, senderFaults[w.kind]...), receiverFaults...) {
				args, trace := w.strace(f, round%2 == 1)
				var l *life
				if i < len(senderFaults[w.kind]) {
					l = w.faulty(args)
				} else {
					w.authority.kill()
					w.startUnder(args)
					l = w.next("")
				}
				w.within(l, patience)
				w.die(l)
				if i >= len(senderFaults[w.kind]) {
					w.authority.kill()
					w.startAuthority("")
				}
				w.events(nil)
				if b, err := os.ReadFile(trace); err == nil && bytes.Contains(b, []byte("(INJECTED)")) {
					failed++
				}
				lives++
			}
			w.finish(w.next(""))
			w.judge()
		}
		w.finish(w.run(""))
		w.whole()
		w.judge()
		if failed < lives/2 {
			t.Errorf("of %d lives only %d have met their fault", lives, failed)
		}
		t.Logf("%d lives, %d of them with failing calls; %d transfers ended as failed", lives, failed, w.kills["failed"])
	})
}

// strace is the command under which calls fail, and the file in which it says so. Arguments of calls are not written down.
func (w *world) strace(f fault, onAndOn bool) (command []string, trace string) {
	when := fmt.Sprintf("%d", 1+w.random.IntN(f.most))
	if onAndOn {
		when += "+"
	}
	trace = filepath.Join(w.TempDir(), "trace")
	return []string{"strace", "-f", "-qq", "-s", "0", "-o", trace, "-e", "trace=" + f.calls, "-e", "inject=" + f.calls + ":error=" + f.errno + ":when=" + when}, trace
}

// faulty begins a life of almasu that has something to do, under a command.
func (w *world) faulty(command []string) *life {
	if w.open() {
		return w.beginUnder(command, "almasu", "", w.args("serve")...)
	}
	return w.beginUnder(command, "almasu", "", w.args("run", connector, "--reason", "fault test", "--as", "tester")...)
}

// startUnder starts the authority under a command; it may not come to listen.
func (w *world) startUnder(command []string) {
	w.known = w.skew
	w.authority = w.beginUnder(command, "authority", "", "serve", "--config", w.Path("oblast", "authority.yaml"), "--now", w.clock())
	select {
	case <-w.authority.listening:
	case <-w.authority.done:
	case <-time.After(patience):
	}
}

// within waits for the end of a life, or until it has nothing left to do, but not longer than d.
func (w *world) within(l *life, d time.Duration) {
	late := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(late) })
	defer timer.Stop()
	w.waitFor(l, late)
}
