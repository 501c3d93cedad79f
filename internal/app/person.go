package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/kz"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/roster"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/notices"
	"birgeoqy.kz/almasu/internal/store/retention"
	"birgeoqy.kz/almasu/internal/transferlog"
	"birgeoqy.kz/almasu/internal/vault/period"
)

// readIIN reads the file that holds one person's IIN: no IIN stands in a command line or its history.
func readIIN(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, exit.Environment(err)
	}
	iin := bytes.TrimSpace(b)
	if !kz.ValidIIN(iin) {
		return nil, exit.BadInput(record.NewProblem("usage.iin", path, "twelve digits with a correct check digit, and nothing else", "the file does not hold an IIN"))
	}
	return iin, nil
}

func needReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return exit.BadInput(record.NewProblem("usage.reason", "", "say why: --reason \"the person asked, letter of 12 May\"", "this look-up or act needs a reason; it goes into the log"))
	}
	return nil
}

// given is one message that held a person.
type given struct {
	Transfer  string   `json:"transfer"`
	Message   string   `json:"message"`
	LogIndex  int64    `json:"log_index"`
	At        string   `json:"at"`
	Connector string   `json:"connector"`
	Recipient string   `json:"recipient"`
	Sequence  uint64   `json:"sequence"`
	Outcome   string   `json:"outcome"`
	Fields    []string `json:"fields"`
	Path      string   `json:"path"`
	Clause    string   `json:"clause"`
	Ground    string   `json:"ground"`
	Purpose   string   `json:"purpose"`
}

// told is a notice about records of a person that a recipient was given.
type told struct {
	ID        string `json:"id"`
	At        string `json:"at"`
	Recipient string `json:"recipient"`
	Act       string `json:"act"`
	Rule      string `json:"rule"`
	Records   int    `json:"records"`
	// State is letter, waiting, or the outcome.
	State string `json:"state"`
}

func (s *session) personCommand() *cobra.Command {
	var iinFile, reason, actor string
	cmd := &cobra.Command{
		Use: "person --iin-file FILE --reason TEXT", Short: "Say which transfers held a person, with which fields and on what basis", Args: lawtool.Exactly(0, "no arguments"),
		Long: "Answers a person's request for information (94-V art. 24): every message that held them, to whom, which fields, on what basis. The IIN is read\nfrom a file; the look-up itself is logged with your reason, without the IIN.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needReason(reason); err != nil {
				return err
			}
			iin, err := readIIN(iinFile)
			if err != nil {
				return err
			}
			v, err := s.open(cmd.Context(), service.Parts{Store: true})
			if err != nil {
				return err
			}
			defer v.Close()
			list, told, err := whatWasGiven(cmd.Context(), v, iin, actor, reason)
			if err != nil {
				return err
			}
			s.result = map[string]any{"messages": list, "notices": told}
			rows := [][]string{{"AT", "RECIPIENT", "BASIS", "GROUND", "FIELDS", "OUTCOME", "LOG"}}
			for _, g := range list {
				rows = append(rows, []string{g.At, g.Recipient, g.Path + " " + g.Clause, g.Ground, strings.Join(g.Fields, " "), g.Outcome, "#" + fmt.Sprint(g.LogIndex)})
			}
			if !s.json {
				table(s.stdout, rows)
			}
			s.say("%d messages held this person.", len(list))
			for _, n := range told {
				s.say("%s: recipient %s is told to %s %d records (%s): %s", n.At, n.Recipient, n.Act, n.Records, n.Rule, n.State)
			}
			until, err := retention.Destroyed(cmd.Context(), v.Store, period.Disclosure)
			if err != nil {
				return exit.Environment(err)
			}
			if !until.IsZero() {
				s.say("Lists of people before %s were destroyed at the end of their term, but for those under a hold.", until.Format(time.DateOnly))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&iinFile, "iin-file", "", "a file with the person's IIN")
	cmd.Flags().StringVar(&reason, "reason", "", "why you look")
	cmd.Flags().StringVar(&actor, "as", service.Login(), "who looks")
	return cmd
}

// whatWasGiven logs the look-up and then finds every message that held a person.
func whatWasGiven(ctx context.Context, v *service.Service, iin []byte, actor, reason string) ([]given, []told, error) {
	ros, err := v.Roster()
	if err != nil {
		return nil, nil, err
	}
	ordinals, err := ros.Find(ctx, iin)
	if err != nil {
		return nil, nil, exit.Environment(err)
	}
	_, err = v.Store.Append(ctx, v.Env.Now(), &transferlog.Act{Actor: actor, Act: "person.look_up", Object: "ordinals " + joinOrdinals(ordinals), Reason: reason})
	if err != nil {
		return nil, nil, exit.Environment(err)
	}
	list := []given{}
	err = v.Store.Disclosures(ctx, func(d store.Disclosure) error {
		set, err := d.Set.Disclosed()
		if err != nil {
			return err
		}
		for _, o := range ordinals {
			if group, ok := set.Find(o); ok {
				g, err := describe(d, group)
				if err != nil {
					return err
				}
				list = append(list, g)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, exit.Environment(err)
	}
	about, err := notices.About(ctx, v.Store, ordinals)
	if err != nil {
		return nil, nil, exit.Environment(err)
	}
	tellings := []told{}
	for i := range about {
		n := &about[i]
		tellings = append(tellings, told{ID: n.Transfer.ID.String(), At: moment(n.Opened), Recipient: n.Transfer.Recipient, Act: string(n.Act), Rule: n.Rule, Records: len(n.Records), State: n.State()})
	}
	return list, tellings, nil
}

// describe says what a message gave of the people of a group.
func describe(d store.Disclosure, group transferlog.Group) (given, error) {
	h, err := signing.ParseHeader(d.Header)
	if err != nil {
		return given{}, err
	}
	g := given{
		Transfer: d.Transfer.String(), Message: d.Message.String(), LogIndex: d.Intent, At: moment(time.UnixMicro(d.Logged)), Connector: d.Connector,
		Recipient: d.Recipient, Sequence: d.Sequence, Outcome: d.Outcome, Path: h.Path, Clause: h.Clause, Ground: h.Ground, Purpose: h.Purpose,
		Fields: transferlog.Masked(h.Fields, group.Mask),
	}
	if g.Outcome == "" {
		g.Outcome = "pending"
	}
	return g, nil
}

func joinOrdinals(list []uint32) string {
	words := make([]string, len(list))
	for i, o := range list {
		words[i] = fmt.Sprint(o)
	}
	return strings.Join(words, ",")
}

func (s *session) blockCommand() *cobra.Command {
	var iinFile, requester, reason, received string
	cmd := &cobra.Command{
		Use: "block --iin-file FILE --requester KIND --reason TEXT", Short: "Block a person: nothing of theirs leaves in any form (policy 6.2.4)", Args: lawtool.Exactly(0, "no arguments"),
		Long: "The block counts from the moment the request was received. It stops everything that has not left, also what waits in the outbox.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needReason(reason); err != nil {
				return err
			}
			at := s.now()
			if received != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, received); err != nil || at.After(s.now()) {
					return exit.BadInput(record.NewProblem("usage.received", "", "e.g. 2026-11-22T09:00:00+05:00, not in the future", "--received is not such a time"))
				}
			}
			switch requester {
			case "user", "legal_representative", "pd_authority":
			default:
				return exit.BadInput(record.NewProblem("usage.requester", "", "user, legal_representative or pd_authority", "policy 6.2.4 does not let %q ask for a block", requester))
			}
			return s.changeBlock(cmd.Context(), iinFile, func(v *service.Service, tag roster.Tag, ordinal uint64) error {
				return v.Store.Block(cmd.Context(), s.now(), store.Block{ID: record.NewID(), Tag: tag, Requester: requester, Reason: reason, Received: at},
					&transferlog.Block{Act: "block", Subject: ordinal, Requester: requester, Received: at, Reason: reason})
			}, "Blocked.")
		},
	}
	cmd.Flags().StringVar(&iinFile, "iin-file", "", "a file with the person's IIN")
	cmd.Flags().StringVar(&requester, "requester", "", "who asked: user, legal_representative or pd_authority")
	cmd.Flags().StringVar(&reason, "reason", "", "what was said to be wrong; no personal data")
	cmd.Flags().StringVar(&received, "received", "", "when the request was received (RFC 3339); default now")
	return cmd
}

func (s *session) changeBlock(ctx context.Context, iinFile string, change func(v *service.Service, tag roster.Tag, ordinal uint64) error, done string) error {
	iin, err := readIIN(iinFile)
	if err != nil {
		return err
	}
	v, err := s.open(ctx, service.Parts{Store: true})
	if err != nil {
		return err
	}
	defer v.Close()
	ros, err := v.Roster()
	if err != nil {
		return err
	}
	ordinals, err := ros.Find(ctx, iin)
	if err != nil {
		return exit.Environment(err)
	}
	var ordinal uint64 // 0: not yet known to the service
	if len(ordinals) > 0 {
		ordinal = uint64(ordinals[len(ordinals)-1])
	}
	if err := change(v, ros.TagOf(iin), ordinal); err != nil {
		return err
	}
	s.say("%s", done)
	return nil
}
