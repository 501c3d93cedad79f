package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"birgeoqy.kz/almasu/internal/synth"
)

// candidateRatio is the bar of a run that compares candidates when nothing has changed, as a multiple of the floor.
const candidateRatio = 0.5

// candidates measures runs that compare only those of whom the platform has changed something, after the platform was given the columns that the manual describes: one of
// everybody, one when nothing has changed, one when 1 % has.
func (w *world) candidates(ctx context.Context, d *deployment) error {
	changes, err := synth.Changes(".")
	if err != nil {
		return err
	}
	for _, statement := range []string{changes, "VACUUM ANALYZE"} {
		if _, err := w.psql(ctx, d.name+"_platform", statement); err != nil {
			return err
		}
	}
	relations, err := os.ReadFile(d.Path("platform.yaml"))
	if err != nil {
		return err
	}
	text := string(relations)
	for _, line := range []string{"  updated: updated_at\n", "  state: state\n", "  evidence: evidence_sha256\n", "  lifted: lifted_at\n"} {
		text = strings.ReplaceAll(text, line, line+"  changed: changed\n")
	}
	if err := os.WriteFile(d.Path("platform.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	d.Compare = "candidates"
	if err := os.Remove(d.Path("almasu.yaml")); err != nil {
		return err
	}
	if err := d.WriteConfig(time.Now()); err != nil {
		return err
	}
	var failures []error
	for _, run := range []struct{ what, change string }{
		{"everybody", "SELECT 1"}, {"nothing changed", "SELECT 1"}, {"1 % changed", "UPDATE profiles SET given_name = 'Жаңару' WHERE abs(hashint8(id)) % 100 = 7"},
	} {
		if _, err := w.psql(ctx, d.name+"_platform", run.change); err != nil {
			return err
		}
		floor, err := w.floor(ctx, d)
		if err != nil {
			return err
		}
		u, err := w.almasu(ctx, d, "run", "oblast-consent", "--reason", "benchmark")
		if err != nil {
			return err
		}
		ratio := u.wall.Seconds() / floor.Seconds()
		fmt.Printf("candidates, %s: floor %.2f s, road %.2f s: %.2f x; %.0f MiB\n", run.what, floor.Seconds(), u.wall.Seconds(), ratio, mib(u.memory))
		if run.what == "nothing changed" && ratio > candidateRatio {
			failures = append(failures, fmt.Errorf("with nothing changed a run of candidates takes more than %.1f times the floor", candidateRatio))
		}
	}
	return errors.Join(failures...)
}
