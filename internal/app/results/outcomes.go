package results

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/outcomes"
	"birgeoqy.kz/almasu/internal/transfer"
)

// outcome is what a recipient has said of single records.
type outcome struct {
	Rejected int      `json:"rejected"`
	Updated  int      `json:"updated"`
	Groups   []*group `json:"groups"`
}

// group is the rejected records with one code.
type group struct {
	// Code is the recipient's, as [Code] shows it.
	Code string `json:"code"`
	// Count is how many records have it; Records are their references, by number of message and place.
	Count   int      `json:"count"`
	Records []string `json:"records"`
	// Texts are the recipient's words, as [Foreign] shows them, the most frequent first.
	Texts []text `json:"texts,omitempty"`
	texts map[string]int
	raw   string
}

type text struct {
	Text    string `json:"text"`
	Records int    `json:"records"`
}

// mostTexts is how many different texts of a group are kept; mostShown how many texts and references are printed.
const (
	mostTexts = 1000
	mostShown = 5
)

// reference names a record outside the service.
func reference(message record.ID, index int) string { return fmt.Sprintf("%s:%d", message, index) }

// readOutcomes groups what the recipient has said of the records of a transfer.
func readOutcomes(ctx context.Context, v *lawtool.Service, id record.ID) (*outcome, error) {
	out := &outcome{Groups: []*group{}}
	by := map[string]*group{}
	known := func(name string) bool { return v.Register.Field(name) != nil }
	err := outcomes.Each(ctx, v.Store, id, func(m *outcomes.Message) error {
		list, updated, err := m.Rejected()
		if err != nil {
			return err
		}
		out.Updated += updated
		for _, r := range list {
			out.Rejected++
			g := by[r.Code]
			if g == nil {
				g = &group{Code: Code(r.Code), raw: r.Code, texts: map[string]int{}}
				by[r.Code], out.Groups = g, append(out.Groups, g)
			}
			g.Count++
			g.Records = append(g.Records, reference(m.ID, r.Index))
			if r.Text != "" {
				if s := Foreign(r.Text, known); g.texts[s] > 0 || len(g.texts) < mostTexts {
					g.texts[s]++
				}
			}
		}
		return nil
	})
	for _, g := range out.Groups {
		for s, n := range g.texts {
			g.Texts = append(g.Texts, text{s, n})
		}
		slices.SortFunc(g.Texts, func(a, b text) int {
			if a.Records != b.Records {
				return b.Records - a.Records
			}
			return strings.Compare(a.Text, b.Text)
		})
	}
	slices.SortStableFunc(out.Groups, func(a, b *group) int { return b.Count - a.Count })
	return out, err
}

// print prints the groups, each with a few references and texts.
func (x *outcome) print(w io.Writer, lang lawtool.Language, r *transfer.Report) {
	tell := func(key string, args ...any) { fmt.Fprintf(w, say(lang, key)+"\n", args...) }
	tell("outcomes", x.Rejected, x.Updated)
	for _, g := range x.Groups {
		tell("group", g.Code, g.Count)
		for i, s := range g.Texts {
			if i == mostShown {
				tell("texts", len(g.Texts)-mostShown)
				break
			}
			tell("text", s.Records, s.Text)
		}
		list := strings.Join(g.Records[:min(len(g.Records), mostShown)], " ")
		if more := len(g.Records) - mostShown; more > 0 {
			list += fmt.Sprintf(say(lang, "others"), more)
		}
		tell("records", list)
	}
	if x.Rejected > 0 {
		tell("again", r.ID)
	}
}
