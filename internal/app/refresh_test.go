package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/app/setup"
)

// TestSentAgain: a second run sends nobody; a full refresh and a backfill of the day send everybody, and a backfill of another day nobody. What was asked stands in the log.
func TestSentAgain(t *testing.T) {
	w := &setup.Example{Dir: t.TempDir(), Now: demo.Start, People: 60, Batch: 40, Compare: "full"}
	if err := w.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	k := &plaintiff{tellers{T: t, w: w}}
	oblastOnly(t, w, demo.Start.Truncate(time.Minute).Add(time.Hour))
	k.almasu(0, "", "migrate")
	people := regexp.MustCompile(`accepted (\d+) \+ unchanged (\d+)`)
	counts := func(code int, args ...string) (accepted, unchanged int) {
		t.Helper()
		out := k.almasu(code, "", args...)
		found := people.FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("%v says:\n%s", args, out)
		}
		if _, err := fmt.Sscan(found[1]+" "+found[2], &accepted, &unchanged); err != nil {
			t.Fatal(err)
		}
		return accepted, unchanged
	}
	day, before := demo.Start.Format(time.DateOnly), demo.Start.AddDate(0, 0, -3).Format(time.DateOnly)
	all, _ := counts(0, "run", "oblast-consent", "--reason", "first")
	for _, one := range []struct {
		sent int
		args []string
	}{
		{0, []string{"run", "oblast-consent", "--reason", "again"}},
		{all, []string{"run", "oblast-consent", "--full", "--reason", "the copy is lost"}},
		{all, []string{"backfill", "oblast-consent", "--from", day, "--to", day, "--reason", "the day is lost"}},
		{0, []string{"backfill", "oblast-consent", "--from", before, "--to", before, "--reason", "nothing was sent then"}},
	} {
		if accepted, unchanged := counts(0, one.args...); accepted != one.sent || accepted+unchanged != all {
			t.Errorf("%v: %d accepted, %d unchanged of %d", one.args, accepted, unchanged, all)
		}
	}
	log := k.almasu(0, "", "log", "show")
	for _, want := range []string{"run.full", "run.backfill", "the copy is lost", "the day is lost"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	for _, bad := range [][]string{
		{"run", "oblast-consent", "--full"}, {"backfill", "oblast-consent", "--from", day, "--to", before, "--reason", "x"},
		{"backfill", "oblast-consent", "--from", "yesterday", "--to", day, "--reason", "x"}, {"backfill", "oblast-consent", "--from", day, "--to", day},
		{"backfill", "nobody", "--from", day, "--to", day, "--reason", "x"},
	} {
		k.almasu(2, "", bad...)
	}
	k.edit("almasu.yaml", "compare: full", "compare: none")
	k.almasu(2, "", "run", "oblast-consent", "--full", "--reason", "x")
}
