package account

import (
	"slices"
	"strings"
	"testing"
)

func TestStatusFollowsFromTheCounts(t *testing.T) {
	for _, c := range []struct {
		totals Totals
		want   Status
	}{
		{Totals{}, Successful},
		{Totals{Read: 5, Accepted: 3, Refused: 2, Received: 3}, Successful},
		{Totals{Read: 5, Accepted: 3, Withheld: 2, Received: 3}, SentWithRejects},
		{Totals{Read: 5, Accepted: 3, Rejected: 2, Received: 5}, SentWithRejects},
		{Totals{Read: 5, Accepted: 3, Pending: 2, Received: 3}, InProgress},
		{Totals{Read: 5, Accepted: 3, Received: 3}, Failed},
		{Totals{Read: 5, Accepted: 5, Received: 4}, Failed},
		{Totals{Read: 5, Accepted: 5, Received: 5, Failed: 1}, Failed},
	} {
		if got := c.totals.Status(); got != c.want {
			t.Errorf("%s: %s, want %s", c.totals, got, c.want)
		}
		if line := c.totals.String(); strings.Contains(line, "≠") == c.totals.Balanced() {
			t.Errorf("%s", line)
		}
	}
}

func TestTally(t *testing.T) {
	first := Reason{Kind: "rejected", Rule: "receipt.refused", People: 9}
	a, b := Reason{Kind: "refused", Rule: "BLK-1"}, Reason{Kind: "withheld", Rule: "schema.pattern", Why: "iin"}
	tally := Tally{Reasons: []Reason{first}}
	for _, r := range []Reason{a, b, a, a} {
		tally.Add(r)
	}
	a.People, b.People = 3, 1
	if !slices.Equal(tally.Reasons, []Reason{first, a, b}) {
		t.Errorf("%+v", tally.Reasons)
	}
}
