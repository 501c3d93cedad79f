package planning

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal"
	"birgeoqy.kz/almasu/internal/pause"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/store/holds"
)

// shown is what --json says of a hold.
type shown struct {
	*holds.Hold
	Decision holds.Decision `json:"decision"`
	Digest   record.Digest  `json:"digest"`
	// Words are the findings, by language.
	Words []map[string]string `json:"words"`
}

func show(h *holds.Hold) (*shown, error) {
	digest, err := h.Digest()
	s := &shown{Hold: h, Decision: h.Decision, Digest: digest, Words: []map[string]string{}}
	for _, f := range h.Findings {
		w := f.Words()
		s.Words = append(s.Words, map[string]string{"kk": w.KK, "ru": w.RU, "en": w.EN})
	}
	return s, err
}

func (t *tool) holdsCommand() *cobra.Command {
	var all bool
	var limit int
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use:   "holds [ID]",
		Short: "Runs that wait for a person's decision, because their numbers are unusual",
		Long: `Lists the runs that are held: which limit was reached, by what numbers, and until when somebody has to decide. A run is held if a limit under "hold" of its connector is
reached; nothing was sent. While a hold is open every further run of the connector is put under it. It ends by a decision: approve sends exactly what was planned, discard
sends nothing; what nobody decides in time expires and is not sent.`,
		Example: "  almasu holds\n  almasu holds --all --lang kk\n  almasu holds approve ID --as admin-second --key FILE --reason \"the school year has begun\"\n  almasu holds discard ID --reason \"the platform's import was wrong\"",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			return t.withHolds(cmd.Context(), func(s *store.Store) error {
				if len(args) == 1 {
					h, err := t.find(cmd.Context(), s, args[0])
					if err != nil {
						return err
					}
					return t.ShowHold(h, lang)
				}
				return t.listHolds(cmd.Context(), s, all, limit, lang)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that were decided, too")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many")
	lang.Flag(cmd)
	cmd.AddCommand(t.approveCommand(), t.discardCommand())
	return cmd
}

// withHolds opens the store, lets go of what has expired, and closes the store.
func (t *tool) withHolds(ctx context.Context, f func(s *store.Store) error) error {
	v, err := t.Open(ctx, false)
	if err != nil {
		return err
	}
	defer v.Close()
	if _, err := holds.Expire(ctx, v.Store, t.Now()); err != nil {
		return t.Environment(err)
	}
	return f(v.Store)
}

func (t *tool) find(ctx context.Context, s *store.Store, id string) (*holds.Hold, error) {
	h, err := holds.Get(ctx, s, id)
	if errors.Is(err, holds.ErrNoHold) {
		return nil, record.NewProblem("hold.unknown", "", "see: almasu holds --all", "there is no hold %q", id)
	}
	if err != nil && record.CodeOf(err) == "" {
		err = t.Environment(err)
	}
	return h, err
}

func (t *tool) listHolds(ctx context.Context, s *store.Store, all bool, limit int, lang lawtool.Language) error {
	list, err := holds.List(ctx, s, all, limit)
	if err != nil {
		return t.Environment(err)
	}
	out := []*shown{}
	for _, h := range list {
		one, err := show(h)
		if err != nil {
			return err
		}
		out = append(out, one)
		t.sayHold(h, lang)
	}
	t.Result(map[string]any{"holds": out})
	if len(list) == 0 {
		t.Say("%s", holdWords["none"][lang])
	}
	return nil
}

// ShowHold answers a command with one hold.
func (t *tool) ShowHold(h *holds.Hold, lang lawtool.Language) error {
	one, err := show(h)
	if err != nil {
		return err
	}
	t.Result(one)
	t.sayHold(h, lang)
	return nil
}

func (t *tool) approveCommand() *cobra.Command {
	var who, key, reason string
	cmd := &cobra.Command{
		Use:   "approve ID --as ADMINISTRATOR --key FILE --reason TEXT",
		Short: "Send exactly what was planned when the run was held",
		Long: `Signs the digest of the hold with an administrator's key, as approvals of requests are signed, and sends. Neither who asked for the run nor the author of its route can approve it.
The plan is made again: if data, law or mapping have moved since, nothing is approved and nothing is sent [hold.moved]; discard the hold and run the connector again, it
is planned and judged anew. The approval is an entry of the log with its signature.

Exit codes as those of run.`,
		Example: "  almasu holds approve ID --as admin-second --key ~/almasu-admin/admin.pem --reason \"order no. 9: a village has moved to another district\"",
		Args:    lawtool.Exactly(1, "one hold"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" || who == "" || key == "" {
				return lawtool.Usage(cmd, "reason", "--as, --key and --reason are needed; see: almasu holds")
			}
			connector, err := t.approve(cmd.Context(), args[0], who, key, reason)
			if err != nil {
				return err
			}
			pause.At("hold.approved")
			t.Say("Approved by %s. The run begins now.", who)
			return t.Go(cmd.Context(), connector)
		},
	}
	cmd.Flags().StringVar(&who, "as", "", "the administrator's id")
	cmd.Flags().StringVar(&key, "key", "", "the file of the administrator's private key (PEM)")
	cmd.Flags().StringVar(&reason, "reason", "", "why it is right to send this")
	return cmd
}

// approve approves a hold whose plan is still the same, and returns its connector.
func (t *tool) approve(ctx context.Context, id, who, key, reason string) (connector string, err error) {
	var h *holds.Hold
	err = t.withHolds(ctx, func(s *store.Store) (err error) {
		h, err = t.find(ctx, s, id)
		return err
	})
	if err != nil {
		return "", err
	}
	if h.Decision.State != holds.Open {
		return "", decided(h)
	}
	if who == h.Asked {
		return "", record.NewProblem("approve.own", "", "another administrator approves it", "%s has asked for this run and cannot approve it", who)
	}
	digest, err := h.Digest()
	if err != nil {
		return "", err
	}
	a, err := t.Sign(ctx, holds.Kind, h.ID, h.Author, digest, who, key)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	p, err := t.Prepare(ctx, h.Connector, "")
	if err != nil {
		return "", err
	}
	defer p.Close()
	now, err := t.make(ctx, p, 0, holds.ToApprove, who)
	var refusal *legal.Refusal
	if errors.As(err, &refusal) {
		return "", err
	}
	if err != nil {
		return "", err
	}
	if now.Digest != h.Plan {
		return "", record.NewProblem("hold.moved", h.Connector, "almasu holds discard "+h.ID+" --reason TEXT, then "+again(h.Connector),
			"data, law or mapping have moved since it was held: read %d, send %d and refused %d people then, %d, %d and %d now; nothing was approved or sent",
			h.Numbers.Read, h.Numbers.Send, h.Numbers.Refused, now.Read, now.Send, now.Refused)
	}
	err = holds.Approve(ctx, p.Store, t.Now(), h, who, reason, string(body), base64.StdEncoding.EncodeToString(a.Signature))
	if errors.Is(err, holds.ErrDecided) {
		return "", decided(h)
	}
	if err != nil {
		return "", t.Environment(err)
	}
	return h.Connector, nil
}

// decided refuses a second decision.
func decided(h *holds.Hold) error {
	return record.NewProblem("hold.decided", h.Connector, "see: almasu holds "+h.ID, "hold %s is not open any more", h.ID)
}

func (t *tool) discardCommand() *cobra.Command {
	var reason, actor string
	cmd := &cobra.Command{
		Use:     "discard ID --reason TEXT",
		Short:   "Send nothing of what was held",
		Long:    "Ends a hold: its runs are recorded as missed, for this reason, and nothing is sent. The next run of the connector is planned and judged anew.",
		Example: "  almasu holds discard ID --reason \"the platform's import was wrong, letter no. 14\"",
		Args:    lawtool.Exactly(1, "one hold"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return lawtool.Usage(cmd, "reason", "say why: --reason \"the platform's import was wrong\"")
			}
			return t.withHolds(cmd.Context(), func(s *store.Store) error {
				h, err := t.find(cmd.Context(), s, args[0])
				if err != nil {
					return err
				}
				if err := holds.Discard(cmd.Context(), s, t.Now(), h, actor, reason); errors.Is(err, holds.ErrDecided) {
					return decided(h)
				} else if err != nil {
					return t.Environment(err)
				}
				if h, err = t.find(cmd.Context(), s, args[0]); err != nil {
					return err
				}
				t.Say("Discarded. Nothing was sent.")
				return t.ShowHold(h, "en")
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why nothing is to be sent")
	cmd.Flags().StringVar(&actor, "as", t.User, "who discards it")
	return cmd
}
