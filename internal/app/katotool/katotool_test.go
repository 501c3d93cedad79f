package katotool

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
)

// look runs the command and returns what it prints, its exit code and its error.
func look(t *testing.T, args ...string) (string, int, error) {
	t.Helper()
	var out bytes.Buffer
	code, none, config := 0, false, ""
	cmd := Command(lawtool.Env{
		Stdout: &out, JSON: &none, Config: &config, Now: time.Now, Result: func(any) {}, Code: func(c int) { code = c }, Environment: exit.Environment,
	})
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.Execute()
	return out.String(), code, err
}

// TestLookUp: a code gives its place, then what lies in it; what is not found says so.
func TestLookUp(t *testing.T) {
	out, code, err := look(t, "615200000")
	place, within := strings.Index(out, "Сайрам ауданы"), strings.Index(out, " places lie directly in it.")
	if err != nil || code != 0 || place < 0 || within < place {
		t.Errorf("%v, exit code %d\n%s", err, code, out)
	}
	if out, code, err := look(t, "999999999"); err != nil || code != 1 || !strings.Contains(out, "Nothing in ") {
		t.Errorf("%v, exit code %d\n%s", err, code, out)
	}
	if _, _, err := look(t, "--since", "missing.csv"); record.CodeOf(err) != "input.unreadable" || exit.Status(err) != exit.NotReached {
		t.Errorf("got %v", err)
	}
}
