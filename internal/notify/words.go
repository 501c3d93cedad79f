package notify

import (
	"fmt"
	"strings"
)

// phrase says a kind in Kazakh, Russian and English: raised, and over.
type phrase struct{ raised, over [3]string }

// The languages of a text, in order.
const (
	kazakh = iota
	russian
	english
)

var words = map[Kind]phrase{
	Failed: {
		[3]string{"беру орындалмады", "передача не выполнена", "the transfer failed"},
		[3]string{"беру қайтадан орындалуда", "передача снова выполняется", "transfers succeed again"}},
	Held: {
		[3]string{"беру адамның шешімін күтуде", "передача ждёт решения человека", "a transfer is held for a decision"},
		[3]string{"беру енді шешім күтіп тұрған жоқ", "передача больше не ждёт решения", "the transfer waits for no decision any more"}},
	Missed: {
		[3]string{"жоспарланған беру өткізіп жіберілді", "плановая передача пропущена", "a due transfer was missed"},
		[3]string{"содан бері беру орындалды", "с тех пор передача выполнялась", "a transfer has run since"}},
	Waiting: {
		[3]string{"хабарламалар алушыны күтуде", "сообщения ждут получателя", "messages wait for the recipient"},
		[3]string{"күткен хабарламалар жеткізілді", "ожидавшие сообщения доставлены", "what waited is settled"}},
	Halted: {
		[3]string{"алушыға жіберу тоқтатылды, тексеру қажет", "отправка получателю остановлена, нужна проверка", "sending to the recipient is halted: look at it"},
		[3]string{"алушыға жіберу жалғасты", "отправка получателю продолжена", "sending to the recipient goes on"}},
	Doubt: {
		[3]string{"қойма ескі көшірме болуы мүмкін: алушылармен салыстырылғанша ештеңе жіберілмейді", "хранилище может быть старой копией: ничего не отправляется до сверки с получателями",
			"the store may be an older copy: nothing is sent before it is compared with the recipients"},
		[3]string{"қойма алушылармен салыстырылды, жіберу жалғасты", "хранилище сверено с получателями, отправка продолжена", "the store was compared with the recipients, sending goes on"}},
	Certificate: {
		[3]string{"кілттің немесе сертификаттың мерзімі аяқталады", "срок ключа или сертификата заканчивается", "a key or certificate ends"},
		[3]string{"кілт немесе сертификат жаңартылды", "ключ или сертификат обновлён", "the key or certificate was renewed"}},
	Agreement: {
		[3]string{"алушымен келісімнің мерзімі аяқталады", "срок соглашения с получателем заканчивается", "the agreement with a recipient ends"},
		[3]string{"келісім ұзартылды", "соглашение продлено", "the agreement was prolonged"}},
	Ground: {
		[3]string{"берудің құқықтық негізі аяқталады", "правовое основание передачи заканчивается", "the legal ground of a transfer ends"},
		[3]string{"құқықтық негіз жаңартылды", "правовое основание обновлено", "the legal ground was renewed"}},
	Policy: {
		[3]string{"құпиялылық саясатының редакциясы аяқталады", "редакция политики конфиденциальности заканчивается", "a version of the privacy policy ends"},
		[3]string{"құпиялылық саясаты жаңартылды", "политика конфиденциальности обновлена", "the privacy policy was renewed"}},
	Duty: {
		[3]string{"заңды міндеттің мерзімі келді", "наступает срок обязанности по закону", "a duty by law is due"},
		[3]string{"міндет орындалды", "обязанность исполнена", "the duty is done"}},
}

// heading is the first line of a note, in all languages.
func (n *Note) heading() string {
	switch {
	case len(n.Raised)+len(n.Over) == 0:
		return "Almasu: сынақ, проверка, test"
	case len(n.Raised) == 0:
		return fmt.Sprintf("Almasu: қалпына келді, восстановлено, recovered (%d)", len(n.Over))
	default:
		return fmt.Sprintf("Almasu: назар аударыңыз, внимание, attention (%d)", len(n.Raised))
	}
}

// text is the note for people: each language in a paragraph of its own.
func (n *Note) text() string {
	var b strings.Builder
	titles := [3][2]string{{"Жаңа", "Аяқталған"}, {"Новое", "Завершено"}, {"New", "Over"}}
	for language := kazakh; language <= english; language++ {
		for over, list := range [2][]Condition{n.Raised, n.Over} {
			if len(list) == 0 {
				continue
			}
			fmt.Fprintf(&b, "%s:\n", titles[language][over])
			for _, c := range list {
				fmt.Fprintf(&b, "- %s\n", c.sentence(language, over == 1))
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "almasu doctor; almasu transfers\n%s\n", n.ID)
	return b.String()
}

// sentence says a condition in one language.
func (c Condition) sentence(language int, over bool) string {
	p := words[c.Kind].raised
	if over {
		p = words[c.Kind].over
	}
	s := c.Subject + ": " + p[language]
	if c.Until != nil && !over {
		s += ", " + c.Until.Format("2006-01-02")
	}
	if c.Code != "" && !over {
		s += " [" + c.Code + "]"
	}
	return s
}
