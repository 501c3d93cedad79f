package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"birgeoqy.kz/almasu/internal/needs"
)

const module = "birgeoqy.kz/almasu/"

// floors places families of packages; the longest prefix wins.
var floors = []struct {
	prefix string
	floor  int
	reason string
}{
	{"birgeoqy.kz/almasu", 0, "the map of the project: no code"},
	{"deploy", 0, "the example: files that embed themselves"},
	{"internal/record", 0, "nouns: the standard library only"},
	{"internal/pause", 0, "names of points: nothing in a shipped program"},
	{"internal/needs", 0, "what tests ask of a machine: the standard library only"},
	{"internal/kz", 0, "numbers, places and calendars of the country: facts, no decisions"},
	{"internal/vault", 1, "sealing at rest knows bytes, not what they are"},
	{"internal/legal", 1, "the law decides about records; it moves nothing"},
	{"internal/signing", 1, "signatures are functions of bytes"},
	{"internal/transferlog", 1, "the log is a format and a tree"},
	{"internal/notice", 2, "a format over schemas: what both sides say about records sent before"},
	{"internal/roster", 2, "ordinals of people: a format over sealed chunks"},
	{"internal/delta", 2, "what recipients hold, as digests: a format over sealed pages"},
	{"schemas", 1, "a schema judges documents and knows no mapping"},
	{"scheduler", 1, "it knows jobs, not transfers"},
	{"mapping", 2, "it writes what the law has cleared, and can read nothing else"},
	{"internal/parcel", 2, "a file format over envelopes and tickets"},
	{"internal/soap", 2, "envelopes and WS-Security on top of signing"},
	{"connectors", 3, "the contract between the engine and the systems at both ends"},
	{"internal/metrics", 2, "three pages for monitoring, of any program"},
	{"internal/evidence", 3, "one verifier over log, envelopes and receipts"},
	{"internal/config", 3, "strict files; it names things and opens nothing"},
	{"internal/transfer", 4, "the engine"},
	{"internal/plan", 4, "preview and approvals drive the engine"},
	{"connectors/platform", 4, "a system"},
	{"connectors/rest", 4, "a system"},
	{"connectors/parcel", 4, "a system"},
	{"connectors/connectortest", 4, "the suite that admits a connector"},
	{"internal/store", 5, "SQL behind the engine's interfaces"},
	{"internal/authority", 5, "the receiving side"},
	{"internal/notify", 3, "it tells people what has changed; it knows conditions, not the engine"},
	{"internal/console", 5, "it shows what the store holds"},
	{"internal/app", 6, "wiring: the only room that knows them all"},
	{"internal/synth", 5, "synthetic people, for the demo, tests and the benchmark only"},
	{"internal/pgtest", 6, "a PostgreSQL of one's own, for tests and the benchmark only"},
	{"internal/bench", 7, "measures the shipped binaries"},
	{"internal/sbom", 7, "bills of materials of the built programs"},
	{"internal/kill", 7, "kills the shipped binaries; tests only"},
	{"internal/deptest", 7, "this test"},
	{"internal/docstest", 7, "the documentation and the measures, as tests"},
	{"cmd", 7, "thin mains"},
}

// allowed are imports against the floors, each with its reason.
var allowed = map[string]string{
	"internal/plan -> internal/transfer":           "a plan is a transfer that stops before sealing",
	"internal/plan -> internal/transfer/comparing": "a plan compares as a transfer does",
}

// forbidden are imports that the floors would let pass. A trailing "..." matches the family.
var forbidden = []struct{ from, to, reason string }{
	{"connectors/...", "internal/legal/...", "a connector receives what is lawful already and decides nothing"},
	{"connectors/...", "mapping/...", "a connector moves bytes and does not write them"},
	{"connectors/...", "internal/transfer/...", "the engine drives connectors, not the other way round"},
	{"internal/authority/...", "internal/legal/...", "the receiving side judges the sender's evidence, not the sender's law"},
	{"internal/authority/...", "mapping/...", "the receiving side reads documents by their schema"},
	{"internal/authority/...", "internal/transfer/...", "the two sides share formats, not code that acts"},
	{"internal/authority/...", "internal/store/...", "the receiving side has its own small store"},
	{"internal/evidence/...", "net/...", "an auditor's check needs no network"},
	{"internal/evidence/...", "database/...", "an auditor's check needs no database"},
	{"cmd/almasu", "internal/config/...", "the service's main imports app only"},
}

// onlyBy are packages that a closed list of others may import.
var onlyBy = []struct {
	pkg, by string
	reason  string
}{
	{"internal/store", "internal/app internal/bench internal/store internal/pgtest", "what is durable is reached through the engine's interfaces"},
	{"internal/console", "internal/app internal/console", "the console is mounted by the wiring"},
	{"internal/synth", "internal/app internal/bench internal/synth", "nobody invents people in production code"},
	{"internal/pgtest", "internal/bench internal/pgtest", "no production code starts a database"},
	{"internal/needs", "internal/needs internal/signing/cert/testca internal/signing/xmldsig/xmltest", "tests have needs, programs do not"},
	{"connectors/connectortest", "connectors/connectortest", "receivers that misbehave are for tests"},
}

// pure packages are functions of bytes, values and a given time.
var pure = []string{"internal/legal", "mapping", "schemas", "internal/notice", "internal/parcel", "internal/transferlog", "internal/signing", "internal/evidence", "internal/roster", "internal/vault", "internal/record"}

// impure are packages that pure ones may not import, and the exceptions with their reasons.
var impure = []string{"net", "net/http", "database/sql", "github.com/jmoiron/sqlx", "github.com/lib/pq", "modernc.org/sqlite", "github.com/go-resty/resty/v2"}

var impureAllowed = map[string]string{
	"internal/signing/httpsig -> net/http":    "it signs and verifies http.Request values, and sends nothing",
	"internal/signing/keystore -> net/http":   "the remote signer is given its RoundTripper",
	"internal/signing/cert/fetch -> net/http": "an OCSP responder is reached through a given RoundTripper",
	"internal/signing/cms -> net/http":        "a time-stamping authority is reached through a given RoundTripper",
}

func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string][]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

func floorOf(path string) (int, string, bool) {
	best := -1
	for i, f := range floors {
		if in(path, f.prefix) && (best < 0 || len(f.prefix) > len(floors[best].prefix)) {
			best = i
		}
	}
	if best < 0 {
		return 0, "", false
	}
	return floors[best].floor, floors[best].prefix, true
}

func in(path, family string) bool {
	return path == family || strings.HasPrefix(path, family+"/")
}

func matches(path, pattern string) bool {
	if family, ok := strings.CutSuffix(pattern, "/..."); ok {
		return in(path, family)
	}
	return path == pattern
}

func TestImportLaw(t *testing.T) {
	for from, imports := range packages(t) {
		floor, family, ok := floorOf(from)
		if !ok {
			t.Errorf("%s has no floor: place it in the table, with a reason", from)
			continue
		}
		for _, to := range imports {
			to, ours := strings.CutPrefix(to, module)
			for _, f := range forbidden {
				if matches(from, f.from) && matches(to, f.to) {
					t.Errorf("%s imports %s: %s", from, to, f.reason)
				}
			}
			if !ours {
				continue
			}
			toFloor, toFamily, _ := floorOf(to)
			if toFloor >= floor && toFamily != family && allowed[from+" -> "+to] == "" {
				t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors and the own family", from, floor, to, toFloor)
			}
		}
	}
}

func TestClosedRooms(t *testing.T) {
	for from, imports := range packages(t) {
		for _, to := range imports {
			to = strings.TrimPrefix(to, module)
			for _, o := range onlyBy {
				if !in(to, o.pkg) {
					continue
				}
				admitted := false
				for _, by := range strings.Fields(o.by) {
					admitted = admitted || in(from, by)
				}
				if !admitted {
					t.Errorf("%s imports %s: %s", from, to, o.reason)
				}
			}
		}
	}
}

func TestPurity(t *testing.T) {
	for from, imports := range packages(t) {
		isPure := false
		for _, p := range pure {
			isPure = isPure || in(from, p)
		}
		if !isPure {
			continue
		}
		for _, to := range imports {
			for _, bad := range impure {
				if to == bad && impureAllowed[from+" -> "+to] == "" {
					t.Errorf("%s is pure and imports %s", from, to)
				}
			}
		}
	}
}

// TestTime holds that time is passed in: time.Now stands in app and cmd only, and in what exists for tests.
func TestTime(t *testing.T) {
	out, err := exec.Command("git", "-C", "../..", "grep", "-l", "-F", "time.Now()", "--", "*.go", ":!*_test.go").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 {
			return
		}
		needs.Missing(t, "a git checkout, to list the files that call time.Now: %v", err)
	}
	for _, file := range strings.Fields(string(out)) {
		ok := false
		for _, where := range []string{"cmd", "internal/app", "internal/bench", "internal/pgtest"} {
			ok = ok || in(file, where)
		}
		if !ok {
			t.Errorf("%s calls time.Now: time is passed in", file)
		}
	}
}
