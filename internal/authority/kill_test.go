package authority

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/authority/inbox"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/transferlog"
)

var kills = flag.Int("kills", 30, "how often TestKill kills the authority")

// binary builds the shipped program.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authority")
	out, err := exec.Command("go", "build", "-o", path, "birgeoqy.kz/almasu/cmd/authority").CombinedOutput()
	if err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// spawn starts the program and waits until it listens.
func (w *world) spawn(program string) *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(program, "serve", "--config", filepath.Join(w.dir, "authority.yaml"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		w.t.Fatalf("the program does not listen: %q %v\n%s", line, err, stderr.String())
	}
	w.url = url
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return cmd
}

// TestKill kills the program with SIGKILL at random instants while it stores messages. After each restart every message that
// had a receipt gets the same bytes again, and in the end each message is stored once.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process many times: not in short mode")
	}
	program := binary(t)
	w := newWorld(t)
	w.configure("window: 4096\n")
	random := rand.New(rand.NewPCG(1, 2))
	var messages []sent
	receipts := map[int][]byte{}
	var mu sync.Mutex
	interrupted, repeated := 0, 0
	for round := range *kills + 1 {
		w.clock.add(time.Since(w.clock.now()))
		envs := make([]*signing.Envelope, 6)
		entries := make([]transferlog.Entry, len(envs))
		for i := range envs {
			envs[i] = w.seal(document(100, nil), 100, nil)
			entries[i] = intentOf(envs[i])
		}
		for i, k := range w.commit(entries...) {
			messages = append(messages, sent{envs[i], k})
		}
		process := w.spawn(program)
		if round < *kills {
			bomb := time.AfterFunc(time.Duration(random.IntN(50000))*time.Microsecond, func() { _ = process.Process.Kill() })
			defer bomb.Stop()
		}
		// The state of this round is introduced by a proof from what is held, which a kill may have left at any earlier round.
		state := messages[len(messages)-1]
		held := int64(0)
		for range 2 {
			r, err := w.introduce(state.ticket.Checkpoint(), held, w.prove(held, int64(len(messages))))
			if err != nil || r.status == 200 {
				break
			}
			if r.Code != "log.checkpoint_base" {
				t.Fatalf("round %d: %s", round, r.body)
			}
			held = *r.HeldSize
		}
		var senders sync.WaitGroup
		for s := range 3 {
			senders.Go(func() {
				for i := s; i < len(messages); i += 3 {
					mu.Lock()
					before := receipts[i]
					mu.Unlock()
					if before != nil && i < len(messages)-12 && round < *kills && i%7 != round%7 {
						continue // only some of the old ones are asked for again each time
					}
					r, err := w.do(w.request(messages[i]), w.key, messages[i].env.Payload().Bytes(), "")
					if err != nil {
						mu.Lock()
						interrupted++
						mu.Unlock()
						return
					}
					if r.status != 200 {
						if r.Code != "log.checkpoint_unknown" && r.status != 503 { // a state that a kill has taken away
							t.Errorf("round %d, message %d: %d %s", round, i, r.status, r.body)
						}
						continue
					}
					mu.Lock()
					if before == nil {
						receipts[i] = r.body
					} else if repeated++; !bytes.Equal(before, r.body) {
						t.Errorf("message %d has another receipt after a restart", i)
					}
					mu.Unlock()
				}
			})
		}
		senders.Wait()
		if round == *kills {
			w.again(messages, receipts)
			if err := process.Process.Signal(interrupt); err != nil {
				t.Fatal(err)
			}
		}
		_ = process.Wait()
		w.client.CloseIdleConnections()
	}
	if len(receipts) != len(messages) {
		t.Errorf("%d of %d messages have a receipt", len(receipts), len(messages))
	}
	s := must(inbox.Status(context.Background(), w.config(), w.clock.now()))[0]
	if s.Messages != int64(len(messages)) || s.Records != int64(100*len(messages)) || len(s.Gaps) != 0 || len(s.Alarms) != 0 {
		t.Errorf("%d messages sent: %+v", len(messages), s)
	}
	w.sound()
	t.Logf("%d kills, %d requests interrupted, %d receipts asked for again", *kills, interrupted, repeated)
}

// again posts the messages without a receipt under a ticket that is renewed against the newest state, as a sender does whose
// state was never introduced.
func (w *world) again(messages []sent, receipts map[int][]byte) {
	last := messages[len(messages)-1].ticket
	for i, m := range messages {
		if receipts[i] != nil {
			continue
		}
		proof := w.inclusion(int64(len(messages)), int64(i))
		m.ticket = must(transferlog.Restore(w.log.PublicKey(), int64(i), m.ticket.EntryBytes(), proof, last.Checkpoint()))
		r := w.post(m)
		if r.status != 200 {
			w.t.Errorf("message %d: %d %s", i, r.status, r.body)
			continue
		}
		receipts[i] = r.body
	}
}
