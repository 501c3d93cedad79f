package tell

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/legal/rules"
	"birgeoqy.kz/almasu/internal/notice"
	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/store/notices"
)

func (t *tool) letterCommand() *cobra.Command {
	var lang lawtool.Language
	cmd := &cobra.Command{
		Use: "letter ID --lang kk|ru|en", Short: "Print the text of the letter to a recipient whose agreement takes no notices", Args: lawtool.Exactly(1, "the id of a notice"),
		Long: `Prints the letter in Kazakh, Russian or English. It names records by message and place and holds no data of anybody. When it is sent:
almasu duties close notice:ID --reason "letter No 7 of 12 May".`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := lang.Check(cmd); err != nil {
				return err
			}
			unknown := record.NewProblem("notice.unknown", args[0], "see: almasu duties", "there is no notice with this id")
			id, err := record.ParseID(args[0])
			if err != nil {
				return unknown
			}
			v, err := t.Open(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer v.Close()
			n, err := notices.Of(cmd.Context(), v.Store, id)
			if err != nil {
				return t.Environment(err)
			}
			if n == nil {
				return unknown
			}
			text := letter(v, n, lang)
			t.Result(map[string]any{"id": args[0], "letter": text})
			t.Say("%s", strings.TrimSuffix(text, "\n"))
			return nil
		},
	}
	lang.Flag(cmd)
	return cmd
}

// letter is the text of a letter.
func letter(v *lawtool.Service, n *notices.Notice, lang lawtool.Language) string {
	var b strings.Builder
	o := &v.Register.Operator
	say := func(key string, args ...any) { b.WriteString(fmt.Sprintf(letterWords[key][lang], args...) + "\n") }
	say("to", recipientName(v, n.Transfer.Recipient, lang), n.Transfer.Recipient)
	say("from", lang.Of(rules.Text{KK: o.NameKK, RU: o.NameRU, EN: o.NameRU}), o.BIN, o.Contact)
	b.WriteString("\n")
	say(string(n.Act))
	if n.Act == notice.Correct {
		var fields []string
		for _, r := range n.Records {
			for _, f := range r.Fields {
				if name := lang.Field(v.Register, f); !strings.Contains(strings.Join(fields, ", "), name) {
					fields = append(fields, name)
				}
			}
		}
		say("fields", strings.Join(fields, ", "))
	}
	say("basis", n.Rule, n.Opened.In(register.Zone).Format(time.DateOnly), n.Transfer.Reason)
	say("records", len(n.Records))
	for _, r := range n.Records {
		if r.Index < 0 {
			say("message", r.Message)
			continue
		}
		say("record", r.Message, r.Index+1)
	}
	say("answer", n.Due.In(register.Zone).Format(time.DateOnly), n.Transfer.ID)
	return b.String()
}

// letterWords are the words of a letter.
var letterWords = map[string]map[lawtool.Language]string{
	"to":   {"kk": "Кімге: %s, БСН %s", "ru": "Кому: %s, БИН %s", "en": "To: %s, BIN %s"},
	"from": {"kk": "Кімнен: %s, БСН %s, %s", "ru": "От кого: %s, БИН %s, %s", "en": "From: %s, BIN %s, %s"},
	"correct": {
		"kk": "Сізге бұрын берілген дербес деректер өзгерді. Төменде көрсетілген жазбалардағы ескірген мәндерді пайдалануды тоқтатуыңызды және жаңартуыңызды сұраймыз.",
		"ru": "Ранее переданные Вам персональные данные изменились. Просим прекратить использование устаревших значений в указанных ниже записях и обновить их.",
		"en": "Personal data that you were given have changed. Please stop using the former values in the records below, and have them corrected."},
	"withdraw": {
		"kk": "Сізге бұрын берілген дербес деректерді пайдалану негізі жойылды. Төменде көрсетілген жазбаларды пайдалануды тоқтатуыңызды сұраймыз.",
		"ru": "Основание для использования ранее переданных Вам персональных данных отпало. Просим прекратить использование указанных ниже записей.",
		"en": "The basis on which you were given personal data has lapsed. Please stop using the records below."},
	"destroy": {
		"kk": "Сізге бұрын берілген дербес деректер заңсыз өңделген деп танылды. Төменде көрсетілген жазбаларды жоюыңызды және бұл туралы хабарлауыңызды сұраймыз.",
		"ru": "Обработка ранее переданных Вам персональных данных признана незаконной. Просим уничтожить указанные ниже записи и сообщить об этом.",
		"en": "Personal data that you were given were processed unlawfully. Please destroy the records below, and confirm it."},
	"fields":  {"kk": "Өзгерген деректер: %s", "ru": "Изменившиеся данные: %s", "en": "Data that have changed: %s"},
	"basis":   {"kk": "Негізі: %s ережесі, %s; %s", "ru": "Основание: правило %s, %s; %s", "en": "Basis: rule %s, %s; %s"},
	"records": {"kk": "Жазбалар саны: %d", "ru": "Записей: %d", "en": "Records: %d"},
	"record":  {"kk": "- %s хабарламасы, %d-жазба", "ru": "- сообщение %s, запись %d", "en": "- message %s, record %d"},
	"message": {"kk": "- %s хабарламасы; жазбаның орны бөлек хабарланады", "ru": "- сообщение %s; место записи сообщается отдельно", "en": "- message %s; the record's place is told apart"},
	"answer": {"kk": "Жауап беру мерзімі: %s. Хабарлама белгісі: %s. Хатта дербес деректердің мәндері жоқ.", "ru": "Просим ответить до: %s. Номер уведомления: %s. В письме нет значений персональных данных.",
		"en": "Please answer by: %s. Notice: %s. This letter holds no personal data."},
}
