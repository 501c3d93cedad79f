package kill

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// TestAuthorityForgets takes the authority's memory away, all of it or the last of it, between two transfers and in the middle of one. What it had
// acknowledged is not sent again, and its own check against the log names what it has lost; what it had not acknowledged arrives.
func TestAuthorityForgets(t *testing.T) {
	for name, lose := range map[string]func(w *world){
		"everything between transfers": func(w *world) {
			w.authority.kill()
			w.must(os.RemoveAll(w.Path("oblast", "data")))
			w.startAuthority("")
			w.finish(w.run(""))
		},
		"everything within a transfer": func(w *world) {
			w.authority.kill()
			w.startAuthority("authority.committed#4")
			l := w.run("")
			if !w.waitFor(l, w.authority.paused) {
				w.Fatal("the authority does not come to its point")
			}
			w.authority.kill()
			w.must(os.RemoveAll(w.Path("oblast", "data")))
			w.startAuthority("")
			w.finish(l)
		},
		"the last transfer": func(w *world) {
			w.authority.kill()
			older := filepath.Join(w.TempDir(), "older")
			w.must(os.CopyFS(older, os.DirFS(w.Path("oblast", "data"))))
			w.startAuthority("")
			w.finish(w.run(""))
			w.authority.kill()
			w.must(os.RemoveAll(w.Path("oblast", "data")))
			w.must(os.CopyFS(w.Path("oblast", "data"), os.DirFS(older)))
			w.must(os.Chmod(w.Path("oblast", "data"), 0o700))
			w.startAuthority("")
			w.finish(w.run(""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tagged, "", pointPeople, pointBatch)
			lose(w)
			intents, delivered := map[record.ID]*transferlog.Intent{}, 0
			acknowledged := map[record.ID]bool{}
			w.events(func(_ int64, e transferlog.Entry) {
				switch e := e.(type) {
				case *transferlog.Intent:
					intents[e.Message] = e
				case *transferlog.Settlement:
					if e.Outcome == transferlog.Delivered {
						delivered, acknowledged[e.Message] = delivered+1, true
					}
				}
			})
			if delivered != len(intents) || delivered < 16 {
				t.Fatalf("of %d messages %d are settled as delivered", len(intents), delivered)
			}
			there := 0
			for id, people := range w.received() {
				for iin, n := range people {
					there++
					if n > 1 || !w.want[iin] {
						t.Errorf("transfer %s: a person arrived %d times", id, n)
					}
				}
			}
			if there == 0 || there >= len(w.want)*len(transfersOf(intents)) {
				t.Errorf("%d records are there: nothing was forgotten, or nothing came after", there)
			}
			file := filepath.Join(t.TempDir(), "log.jsonl")
			w.almasu("log", "export", "--output", file)
			out, err := w.atAuthority("verify", "--log", file)
			if lost := delivered - w.stored(); err == nil || strings.Count(string(out), "[log.not_received]") != lost || lost < 11 {
				t.Errorf("the authority has lost %d messages, and finds: %v\n%s", lost, err, out)
			}
		})
	}
}

// stored is how many messages the authority has.
func (w *world) stored() (n int) {
	db, err := sqlx.Open("sqlite", "file:"+w.Path("oblast", "data", "authority.db")+"?mode=ro")
	w.must(err)
	defer db.Close()
	w.must(db.Get(&n, "SELECT count(*) FROM message"))
	return n
}

func transfersOf(intents map[record.ID]*transferlog.Intent) map[record.ID]bool {
	all := map[record.ID]bool{}
	for _, i := range intents {
		all[i.Transfer] = true
	}
	return all
}
