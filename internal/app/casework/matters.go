package casework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
	"birgeoqy.kz/almasu/internal/store"
	"birgeoqy.kz/almasu/internal/transferlog"
)

// group is a command that does nothing without one of its own.
func group(use, short, long string, children ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return lawtool.Usage(cmd, "command", "unknown command %q", args[0])
		}
		return cmd.Help()
	}}
	cmd.AddCommand(children...)
	return cmd
}

func (t *tool) claimCommand() *cobra.Command {
	m := matter{kind: "claim", hold: true}
	open := &cobra.Command{
		Use: "open --iin-file FILE --reason TEXT", Short: "Enter a written claim: 30 calendar days, and a hold on the person's records", Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return t.enter(cmd, &m) },
	}
	open.Flags().StringVar(&m.iinFile, "iin-file", "", "a file with the claimant's IIN")
	m.flags(t, open)
	c := closing{kind: "claim"}
	shut := &cobra.Command{
		Use: "close ID --outcome answered|court --reason TEXT", Short: "Close a claim; the hold ends, unless the matter is before a court", Args: lawtool.Exactly(1, "the id of a claim"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.outcome != "answered" && c.outcome != "court" {
				return lawtool.Usage(cmd, "outcome", "--outcome is answered or court")
			}
			c.keep = c.outcome == "court"
			return t.finish(cmd, args[0], &c)
		},
	}
	c.flags(t, shut, "answered")
	return group("claim", "Written claims of people: their clock, and the hold on their records (policy 8.1, 8.2)",
		"A claim is answered in writing within 30 calendar days. Until then, and before a court longer, nothing of the person's records is deleted.\nThe claimant's file: almasu subject-file.", open, shut)
}

func (t *tool) incidentCommand() *cobra.Command {
	m := matter{kind: "breach"}
	open := &cobra.Command{
		Use: "open --about TRANSFER-OR-MESSAGE --reason TEXT", Short: "Enter a suspected breach: the notice is due the next working day", Args: lawtool.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if id, err := record.ParseID(m.about); err != nil || id.IsZero() {
				return lawtool.Usage(cmd, "about", "name the transfer or the message that may have gone astray: --about ID")
			}
			return t.enter(cmd, &m)
		},
	}
	open.Flags().StringVar(&m.about, "about", "", "the id of the transfer or the message")
	m.flags(t, open)
	c := closing{kind: "breach"}
	shut := &cobra.Command{
		Use: "close ID --outcome notified|unfounded --reason TEXT", Short: "Close an incident", Args: lawtool.Exactly(1, "the id of an incident"),
		RunE: func(cmd *cobra.Command, args []string) error { return t.finish(cmd, args[0], &c) },
	}
	c.flags(t, shut, "notified")
	return group("incident", "Suspected disclosures: their clock, and the contents of the notice to the authority (policy 5.5)",
		"The authority is notified by the end of the next working day (94-V art. 25).", open, t.noticeCommand(), shut)
}

// notice is what the authority is told: contact, what happened, measures, and who is affected, without naming anybody.
type notice struct {
	Incident string          `json:"incident"`
	Found    time.Time       `json:"found"`
	Due      string          `json:"due"`
	Operator noticeOperator  `json:"operator"`
	What     string          `json:"what"`
	Measures string          `json:"measures"`
	People   int             `json:"people"`
	Messages []noticeMessage `json:"messages"`
}

type noticeOperator struct {
	BIN     string `json:"bin"`
	NameKK  string `json:"name_kk"`
	NameRU  string `json:"name_ru"`
	Contact string `json:"contact"`
}

type noticeMessage struct {
	Message   string    `json:"message"`
	At        time.Time `json:"at"`
	Recipient string    `json:"recipient"`
	BIN       string    `json:"bin"`
	Outcome   string    `json:"outcome"`
	Fields    []string  `json:"fields"`
	People    int       `json:"people"`
	// Ordinals are the affected people, as runs "first-last".
	Ordinals string `json:"ordinals"`
}

func (t *tool) noticeCommand() *cobra.Command {
	var measures, actor string
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use: "notice ID --measures TEXT", Short: "Print the contents of the notice to the authority", Args: lawtool.Exactly(1, "the id of an incident"),
		Long: `Prints contact, what happened, measures, recipients, kinds of data, and who is affected: as a count, and as ordinals, which name nobody outside the
service. Sending it is left to the person in charge.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			if strings.TrimSpace(measures) == "" {
				return lawtool.Usage(cmd, "measures", "the notice says what was done: --measures TEXT")
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			n, err := t.notice(cmd.Context(), v, args[0], lang)
			if err != nil {
				return err
			}
			n.Measures = measures
			if _, err := v.Store.Append(cmd.Context(), t.Now(), &transferlog.Act{Actor: actor, Act: "incident.notice", Object: "breach " + n.Incident, Reason: measures}); err != nil {
				return t.Environment(err)
			}
			t.Result(n)
			t.sayNotice(v, n, lang)
			return nil
		},
	}
	cmd.Flags().StringVar(&measures, "measures", "", "what was done to stop it; no personal data")
	cmd.Flags().StringVar(&actor, "as", t.User, "who prepares it")
	lang.Flag(cmd)
	return cmd
}

func (t *tool) notice(ctx context.Context, v *lawtool.Service, id string, lang lawtool.Language) (*notice, error) {
	d, err := v.Store.Duty(ctx, id)
	if errors.Is(err, store.ErrNoDuty) || err == nil && d.Kind != "breach" {
		return nil, record.NewProblem("incident.unknown", id, "see: almasu duties --all", "there is no incident with this id")
	}
	if err != nil {
		return nil, t.Environment(err)
	}
	o := &v.Register.Operator
	n := &notice{Incident: d.ID, Found: d.Opened, Due: d.Due.In(register.Zone).Format(time.DateOnly), What: d.Note, Messages: []noticeMessage{},
		Operator: noticeOperator{BIN: o.BIN, NameKK: o.NameKK, NameRU: o.NameRU, Contact: o.Contact}}
	everybody := map[uint32]bool{}
	err = v.Store.Disclosures(ctx, func(x store.Disclosure) error {
		if x.Transfer.String() != d.About && x.Message.String() != d.About {
			return nil
		}
		set, err := x.Set.Disclosed()
		if err != nil {
			return err
		}
		h, err := signing.ParseHeader(x.Header)
		if err != nil {
			return err
		}
		m := noticeMessage{Message: x.Message.String(), At: record.Instant(x.Logged), BIN: x.Recipient, Recipient: recipientName(v, x.Recipient, lang), Outcome: orPending(x.Outcome)}
		var mask uint64
		var ordinals []uint32
		for _, g := range set.Groups() {
			mask |= g.Mask
			ordinals = append(ordinals, g.People...)
		}
		m.Fields, m.People, m.Ordinals = transferlog.Masked(h.Fields, mask), len(ordinals), spans(ordinals)
		for _, ordinal := range ordinals {
			everybody[ordinal] = true
		}
		n.Messages = append(n.Messages, m)
		return nil
	})
	if err != nil {
		return nil, t.Environment(err)
	}
	n.People = len(everybody)
	return n, nil
}

func orPending(outcome string) string {
	if outcome == "" {
		return "pending"
	}
	return outcome
}

// recipient finds a recipient by BIN, or nil.
func recipient(v *lawtool.Service, bin string) *register.Recipient {
	for i := range v.Register.Recipients {
		if v.Register.Recipients[i].BIN == bin {
			return &v.Register.Recipients[i]
		}
	}
	return nil
}

func recipientName(v *lawtool.Service, bin string, lang lawtool.Language) string {
	to := recipient(v, bin)
	if to == nil {
		return bin
	}
	return lang.Of(rules.Text{KK: to.NameKK, RU: to.NameRU, EN: to.NameRU})
}

func (t *tool) sayNotice(v *lawtool.Service, n *notice, lang lawtool.Language) {
	say := func(key string, args ...any) { t.Say(noticeWords[key][lang], args...) }
	say("title", n.Incident)
	say("operator", lang.Of(rules.Text{KK: n.Operator.NameKK, RU: n.Operator.NameRU, EN: n.Operator.NameRU}), n.Operator.BIN, n.Operator.Contact)
	say("found", n.Found.In(register.Zone).Format(time.RFC3339), n.Due)
	say("what", n.What)
	say("measures", n.Measures)
	say("people", n.People, len(n.Messages))
	for _, m := range n.Messages {
		t.Say("- %s, %s (%s %s), %s", m.At.In(register.Zone).Format(time.RFC3339), m.Recipient, "BIN", m.BIN, m.Outcome)
		names := make([]string, len(m.Fields))
		for i, f := range m.Fields {
			names[i] = lang.Field(v.Register, f)
		}
		say("fields", strings.Join(names, ", "))
		say("ordinals", m.People, m.Ordinals)
	}
	say("resolve")
}

var noticeWords = map[string]map[lawtool.Language]string{
	"title":    {"kk": "Дербес деректер қауіпсіздігінің бұзылуы туралы хабарлама (оқиға %s)", "ru": "Уведомление о нарушении безопасности персональных данных (инцидент %s)", "en": "Notice of a breach of the security of personal data (incident %s)"},
	"operator": {"kk": "Оператор: %s, БСН %s. Байланыс: %s", "ru": "Оператор: %s, БИН %s. Контакт: %s", "en": "Operator: %s, BIN %s. Contact: %s"},
	"found":    {"kk": "Анықталған уақыты: %s. Хабарлау мерзімі: %s", "ru": "Обнаружено: %s. Срок уведомления: %s", "en": "Found: %s. Notice due: %s"},
	"what":     {"kk": "Не болды: %s", "ru": "Что произошло: %s", "en": "What happened: %s"},
	"measures": {"kk": "Қабылданған шаралар: %s", "ru": "Принятые меры: %s", "en": "Measures taken: %s"},
	"people":   {"kk": "Қозғалған субъектілер: %d, хабарламалар: %d", "ru": "Затронуто субъектов: %d, сообщений: %d", "en": "People affected: %d, messages: %d"},
	"fields":   {"kk": "  деректер: %s", "ru": "  данные: %s", "en": "  data: %s"},
	"ordinals": {"kk": "  субъектілер: %d, реттік нөмірлері: %s", "ru": "  субъектов: %d, порядковые номера: %s", "en": "  people: %d, ordinals: %s"},
	"resolve": {
		"kk": "Реттік нөмірлер қызметтен тыс ешкімді білдірмейді. Белгілі бір адамның қозғалғанын анықтау: almasu subject-file --iin-file FILE --reason TEXT; әр қарау журналға жазылады.",
		"ru": "Порядковые номера вне сервиса никого не называют. Затронут ли определённый человек: almasu subject-file --iin-file FILE --reason TEXT; каждое обращение записывается в журнал.",
		"en": "Ordinals name nobody outside the service. Whether a certain person is affected: almasu subject-file --iin-file FILE --reason TEXT; each look-up is an entry of the log.",
	},
}

// spans writes ordinals as runs, "1-4,9".
func spans(list []uint32) string {
	list = append([]uint32(nil), list...)
	slices.Sort(list)
	var words []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		word := strconv.FormatUint(uint64(list[i]), 10)
		if j > i {
			word += fmt.Sprintf("-%d", list[j])
		}
		words, i = append(words, word), j+1
	}
	return strings.Join(words, ",")
}
