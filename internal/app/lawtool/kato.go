package lawtool

import (
	"strings"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/kz"
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

func (t *tool) katoCommand() *cobra.Command {
	var territory string
	cmd := &cobra.Command{
		Use:   "kato CODE | NAME...",
		Short: "Look up places of the classifier of administrative-territorial objects (KATO)",
		Long: `With a code of nine digits: the place and everything that it lies in, and how many places lie directly in it. With words: the places whose Kazakh or Russian
name has words that begin so. Names are not unique; match on codes. Exit code 1: nothing is found.`,
		Example: "  almasu kato 615230100\n  almasu kato Сайрам --within 610000000",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return Usage(cmd, "arguments", "expected a code or a name")
			}
			e := kz.KATO()
			if _, ok := e.Lookup(territory); territory != "" && !ok {
				return Usage(cmd, "within", "--within is a code of the classifier")
			}
			list := []place{}
			if code := args[0]; len(args) == 1 && len(code) == 9 && strings.Trim(code, "0123456789") == "" {
				if chain := e.Chain(code); chain != nil {
					list = append(list, withChain(chain))
					t.Say("%d places lie directly in it.", len(e.Children(code)))
				}
			} else {
				for _, p := range e.Search(strings.Join(args, " "), territory) {
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
			t.Result(map[string]any{"classifier": e.Classifier(), "edition": e.Version(), "places": list})
			if len(list) == 0 {
				t.Say("Nothing in %s, edition %s.", e.Classifier(), e.Version())
				t.Code(1)
			}
			return nil
		},
	}
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
