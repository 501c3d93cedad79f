package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/s2"
	_ "modernc.org/sqlite" // the authority's store

	"birgeoqy.kz/almasu/internal/record"
)

// deltaRatios are the bars of a run after so many percent of the people have changed, as multiples of the floor.
var deltaRatios = []struct {
	percent int
	ratio   float64
}{{0, 3}, {1, 3}, {10, 3.5}}

// deltas measures runs that compare everybody with what the recipient holds: first all are sent, then some are changed on the platform by UPDATE. After each run the authority's
// store must have got exactly the people whom a query of the platform names, with the new value, and nobody else.
func (w *world) deltas(ctx context.Context, people int, profile string) error {
	w.compare = "full"
	d, err := w.deploy(ctx, "delta", people)
	if err != nil {
		return err
	}
	defer d.stop()
	run := []string{"run", "oblast-consent", "--reason", "benchmark"}
	u, err := w.almasu(ctx, d, run...)
	if err != nil {
		return err
	}
	held, last, err := received(ctx, d, 0)
	if err != nil {
		return err
	}
	fmt.Printf("everybody: %.2f s, %d people; %.0f MiB\n", u.wall.Seconds(), len(held), mib(u.memory))
	var failures []error
	for _, bar := range deltaRatios {
		value := fmt.Sprintf("Жаңа%s", strings.Repeat("а", bar.percent))
		if _, err := w.psql(ctx, d.name+"_platform", fmt.Sprintf("UPDATE profiles SET given_name = '%s' WHERE abs(hashint8(id)) %% 100 < %d", value, bar.percent)); err != nil {
			return err
		}
		if _, err := w.psql(ctx, d.name+"_platform", "VACUUM ANALYZE profiles"); err != nil {
			return err
		}
		want, err := w.changed(ctx, d, value, held)
		if err != nil {
			return err
		}
		before, err := w.floor(ctx, d)
		if err != nil {
			return err
		}
		args := run
		if profile != "" && bar.percent == 1 {
			args = append(append([]string{}, run...), "--cpuprofile", profile)
		}
		if u, err = w.almasu(ctx, d, args...); err != nil {
			return err
		}
		after, err := w.floor(ctx, d)
		if err != nil {
			return err
		}
		got, next, err := received(ctx, d, last)
		if err != nil {
			return err
		}
		last = next
		floor := (before + after) / 2
		ratio := u.wall.Seconds() / floor.Seconds()
		fmt.Printf("%d %% changed: floor %.2f s, road %.2f s (almasu %.2f s of CPU): %.2f x; %d of %d sent; %.0f MiB\n",
			bar.percent, floor.Seconds(), u.wall.Seconds(), u.cpu.Seconds(), ratio, len(got), len(want), mib(u.memory))
		if ratio > bar.ratio {
			failures = append(failures, fmt.Errorf("with %d %% changed the road takes more than %.1f times the floor", bar.percent, bar.ratio))
		}
		wrong := len(got) != len(want)
		for iin, name := range got {
			wrong = wrong || !want[iin] || name != value
		}
		if wrong {
			failures = append(failures, fmt.Errorf("with %d %% changed, other people than those were sent", bar.percent))
		}
	}
	return errors.Join(append(failures, w.candidates(ctx, d))...)
}

// changed lists by IIN the people who have a given name on the platform, of those whom the recipient holds.
func (w *world) changed(ctx context.Context, d *deployment, name string, held map[string]string) (map[string]bool, error) {
	db, err := sqlx.Open("postgres", d.PlatformDSN)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var iins []string
	if err := db.SelectContext(ctx, &iins, "SELECT iin FROM profiles WHERE given_name = $1", name); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, iin := range iins {
		if _, there := held[iin]; there {
			out[iin] = true
		}
	}
	return out, nil
}

// received lists the given names by IIN of the people in the messages that the authority has stored after one, and the last message.
func received(ctx context.Context, d *deployment, after int64) (people map[string]string, last int64, err error) {
	db, err := sqlx.Open("sqlite", record.FileURI(filepath.Join(d.Dir, d.Oblast.Folder, "data", "authority.db"))+"?mode=ro")
	if err != nil {
		return nil, 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT id, document FROM message WHERE id > $1 AND document IS NOT NULL ORDER BY id", after)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the authority's store: %w", err)
	}
	defer rows.Close()
	people, last = map[string]string{}, after
	for rows.Next() {
		var packed []byte
		var m struct {
			Pupils []struct {
				IIN       string `json:"iin"`
				GivenName string `json:"given_name"`
			} `json:"pupils"`
		}
		if err := rows.Scan(&last, &packed); err != nil {
			return nil, 0, err
		}
		document, err := s2.Decode(nil, packed) // the authority's form, see authority/inbox
		if err == nil {
			err = json.Unmarshal(document, &m)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("reading a document: %w", err)
		}
		for _, p := range m.Pupils {
			people[p.IIN] = p.GivenName
		}
	}
	return people, last, rows.Err()
}
