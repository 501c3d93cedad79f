// Package katotool is the command that looks places up in the classifier of administrative-territorial objects (KATO), and says what has become of the codes of an
// older edition. What it knows is package birgeoqy.kz/almasu/internal/kz; it reads one file at most, and no database.
package katotool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/record"
)

// place is a place of the classifier with what it lies in.
type place struct {
	Code   string  `json:"code"`
	Level  string  `json:"level"`
	NameKK string  `json:"name_kk"`
	NameRU string  `json:"name_ru"`
	In     []place `json:"in,omitempty"`
}

func placeOf(p kz.Place) place {
	return place{Code: p.Code, Level: p.Level.String(), NameKK: p.NameKK, NameRU: p.NameRU}
}

type tool struct{ lawtool.Env }

// Command makes the command.
func Command(env lawtool.Env) *cobra.Command {
	t := &tool{env}
	var territory, since string
	cmd := &cobra.Command{
		Use:   "kato CODE | NAME...",
		Short: "Look up places of the classifier of administrative-territorial objects (KATO)",
		Long: `With a code of nine digits: the place and everything that it lies in, and how many places lie directly in it. With words: the places whose Kazakh or Russian
name has words that begin so, the highest levels first; capital letters and Kazakh letters typed on a Russian keyboard do not matter, and a word that begins
nothing is looked for with a letter or two wrong. Names are not unique; match on codes. With --since an older edition, as a file in the form of the embedded one: what has
become of the code, or of every code that is not what it was. Exit code 1: nothing is found.`,
		Example: "  almasu kato 615230100\n  almasu kato Сайрам --within 610000000\n  almasu kato --since kato-2025.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if since != "" {
				return t.katoSince(since, args)
			}
			if len(args) == 0 {
				return lawtool.Usage(cmd, "arguments", "expected a code or a name")
			}
			e := kz.KATO()
			if _, ok := e.Lookup(territory); territory != "" && !ok {
				return lawtool.Usage(cmd, "within", "--within is a code of the classifier")
			}
			list, after := []place{}, ""
			if code := args[0]; len(args) == 1 && len(code) == 9 && strings.Trim(code, "0123456789") == "" {
				if chain := e.Chain(code); chain != nil {
					list = append(list, withChain(chain))
					after = fmt.Sprintf("%d places lie directly in it.", len(e.Children(code)))
				} else if above, ok := e.Parent(code); ok {
					t.Say("The edition has no such code; the nearest place above it is %s %s / %s.", above.Code, above.NameKK, above.NameRU)
				}
			} else {
				query := strings.Join(args, " ")
				found := e.Search(query, territory)
				if found == nil {
					if found = e.Similar(query, territory); found != nil {
						t.Say("Nothing begins so. Did you mean:")
					}
				}
				slices.SortStableFunc(found, func(a, b kz.Place) int { return int(a.Level) - int(b.Level) })
				for _, p := range found {
					list = append(list, withChain(e.Chain(p.Code)))
				}
			}
			rows := [][]string{}
			for _, p := range list {
				var above []string
				for _, x := range p.In {
					above = append(above, x.NameKK)
				}
				rows = append(rows, []string{p.Code, p.Level, p.NameKK, p.NameRU, strings.Join(above, " < ")})
			}
			t.Table(rows)
			if after != "" {
				t.Say("%s", after)
			}
			t.Result(map[string]any{"classifier": e.Classifier(), "edition": e.Version(), "places": list})
			if len(list) == 0 {
				t.Say("Nothing in %s, edition %s.", e.Classifier(), e.Version())
				t.Code(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "an older edition (CSV)")
	cmd.Flags().StringVar(&territory, "within", "", "only places in this territory (a code)")
	return cmd
}

func withChain(chain []kz.Place) place {
	p := placeOf(chain[0])
	for _, x := range chain[1:] {
		p.In = append(p.In, placeOf(x))
	}
	return p
}

// moved is what has become of a place of an older edition.
type moved struct {
	Was  place  `json:"was"`
	Fate string `json:"fate"`
	Now  *place `json:"now,omitempty"`
}

// katoSince shows what has become of places of an older edition: of the codes given, or of all that are not what they were.
func (t *tool) katoSince(file string, codes []string) error {
	f, err := os.Open(file)
	if err != nil {
		return t.Environment(record.NewProblem("input.unreadable", file, "give the file of the older edition", "the file cannot be read: %v", record.WithoutPath(err)))
	}
	defer f.Close()
	older, err := kz.ReadEdition(strings.TrimSuffix(filepath.Base(file), ".csv"), f)
	if err != nil {
		return record.NewProblem("kato.edition", file, "the form is that of internal/kz/data: kato,kato_version,level,type_code,name_ru,name_kk", "the file is no edition of the classifier: %v", err)
	}
	all := len(codes) == 0
	for _, p := range older.Places() {
		if all {
			codes = append(codes, p.Code)
		}
	}
	list, rows := []moved{}, [][]string{}
	for _, code := range codes {
		now, fate := older.Migrate(kz.KATO(), code)
		if all && fate == kz.FateSame {
			continue
		}
		was, _ := older.Lookup(code)
		m := moved{Was: placeOf(was), Fate: fate.String()}
		if m.Was.Code = code; now.Code != "" {
			p := placeOf(now)
			m.Now = &p
		}
		list = append(list, m)
		rows = append(rows, []string{code, was.NameKK, fate.String(), now.Code, now.NameKK, now.NameRU})
	}
	t.Table(rows)
	t.Result(map[string]any{"since": older.Version(), "edition": kz.KATO().Version(), "places": list})
	if all {
		t.Say("%d of %d places are not what they were.", len(list), len(codes))
	}
	return nil
}
