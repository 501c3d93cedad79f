package judging_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/mapping/judging"
)

// build is a document of records, behind other bytes.
func build(before, head string, records []string) (dst []byte, starts []int) {
	dst = append(dst, before+head...)
	for _, r := range records {
		starts = append(starts, len(dst))
		dst = append(dst, "<r>"+r+"</r>"...)
	}
	return append(dst, "</rs></d>"...), append(starts, len(dst))
}

// strict tells each line with !, quoting it with its line ends, as a program does that prints values.
func strict(doc []byte) ([]int, error) {
	var said strings.Builder
	for i, line := range strings.Split(string(doc), "\n") {
		if strings.Contains(line, "!") {
			fmt.Fprintf(&said, "-:%d: the value %s\n", i+1, strings.ReplaceAll(line, "&#xA;", "\n"))
		}
	}
	var lines []int
	for _, line := range strings.Split(said.String(), "\n") {
		var n int
		if _, err := fmt.Sscanf(line, "-:%d:", &n); err == nil {
			lines = append(lines, n)
		}
	}
	return lines, nil
}

// TestFit: exactly the records at fault are taken out, whatever line ends values hold and whomever they try to accuse.
func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "a", "!", "a\nb", "a&#9;b", "!\n-:2: the value", "\n-:3: !\n-:4: the value", "b\n-:5: the value"})
		records := rapid.SliceOfN(text, 1, 8).Draw(t, "records")
		before := rapid.SampledFrom([]string{"", "before\n"}).Draw(t, "before")
		dst, starts := build(before, "<d><rs>", records)
		var kept []string
		var bad []int
		for i, r := range records {
			if strings.Contains(r, "!") {
				bad = append(bad, i)
			} else {
				kept = append(kept, r)
			}
		}
		want, _ := build(before, "<d><rs>", kept)
		if len(kept) == 0 {
			want = []byte(before)
		}
		out, gone, err := judging.Fit(dst, len(before), starts, strict)
		if err != nil || string(out) != string(want) || !slices.Equal(gone, bad) {
			t.Fatalf("%v: %v, not %v\n%q\n%q", err, gone, bad, out, want)
		}
	})
}

// TestOutside: fault outside the records, or a judge that cannot tell, leaves no document.
func TestOutside(t *testing.T) {
	dst, starts := build("", "<d><h>!</h><rs>", []string{"a", "b"})
	if _, _, err := judging.Fit(dst, 0, starts, strict); record.CodeOf(err) != "mapping.document_invalid" {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken")
	if out, _, err := judging.Fit(dst, 0, starts, func([]byte) ([]int, error) { return nil, broken }); !errors.Is(err, broken) || out != nil {
		t.Errorf("%v", err)
	}
}
