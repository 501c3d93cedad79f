package planning

import (
	"time"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/legal/register"
	"birgeoqy.kz/almasu/internal/store/holds"
)

// holdWords are the words about holds.
var holdWords = map[string]map[lawtool.Language]string{
	"none":  {"kk": "Шешім күтіп тұрған беру жоқ.", "ru": "Передач, ждущих решения, нет.", "en": "No run waits for a decision."},
	"title": {"kk": "%s: %s қосқышы, беру уақыты %s (сұраған: %s)", "ru": "%s: коннектор %s, передача на %s (запросил: %s)", "en": "%s: connector %s, the run due at %s (asked for by %s)"},
	"people": {"kk": "  адамдар       оқылды %d, жіберілер еді %d, заң бойынша бас тартылды %d", "ru": "  люди          прочитано %d, было бы отправлено %d, отказано по закону %d",
		"en": "  people        read %d, would be sent %d, refused by law %d"},
	"compared": {"kk": "  салыстыру     жаңа %d, өзгерген %d, өзгермеген %d, қайтарып алынатын %d; алушыда %d адам бар", "ru": "  сравнение     новых %d, изменённых %d, без изменений %d, отзываемых %d; у получателя %d чел.",
		"en": "  compared      new %d, changed %d, unchanged %d, withdrawn %d; the recipient has %d people"},
	"before":  {"kk": "  алдыңғы беру  оқылды %d, жіберілді %d, бас тартылды %d (%s)", "ru": "  прошлый раз   прочитано %d, отправлено %d, отказано %d (%s)", "en": "  run before    read %d, sent %d, refused %d (%s)"},
	"plan":    {"kk": "  жоспар        %s", "ru": "  план          %s", "en": "  plan          %s"},
	"rows":    {"kk": "  күтіп тұр     %d беру уақыты", "ru": "  ждут          сроков передачи: %d", "en": "  waiting       %d due times"},
	"reached": {"kk": "  себебі        %s [%s]", "ru": "  причина       %s [%s]", "en": "  because       %s [%s]"},
	"open":    {"kk": "  ештеңе жіберілмеді; %s дейін шешім қабылдаңыз:", "ru": "  ничего не отправлено; решите до %s:", "en": "  nothing was sent; decide before %s:"},
	"approve": {"kk": "    дәл осыны жіберу:        almasu holds approve %s --as ӘКІМШІ --key ФАЙЛ --reason МӘТІН (%s және %s бекіте алмайды)",
		"ru": "    отправить именно это:    almasu holds approve %s --as АДМИНИСТРАТОР --key ФАЙЛ --reason ТЕКСТ (не %s и не %s)",
		"en": "    to send exactly this:    almasu holds approve %s --as ADMINISTRATOR --key FILE --reason TEXT (not %s, not %s)"},
	"discard":   {"kk": "    ештеңе жібермеу:         almasu holds discard %s --reason МӘТІН", "ru": "    ничего не отправлять:    almasu holds discard %s --reason ТЕКСТ", "en": "    to send nothing:         almasu holds discard %s --reason TEXT"},
	"approved":  {"kk": "  бекітілді     %s, %s: %s", "ru": "  утверждено    %s, %s: %s", "en": "  approved      %s, by %s: %s"},
	"discarded": {"kk": "  бас тартылды  %s, %s: %s", "ru": "  отклонено     %s, %s: %s", "en": "  discarded     %s, by %s: %s"},
	"expired":   {"kk": "  мерзімі өтті  %s, %s: %s", "ru": "  срок истёк    %s, %s: %s", "en": "  expired       %s, by %s: %s"},
	"transfer":  {"kk": "  беру          %s", "ru": "  передача      %s", "en": "  transfer      %s"},
	"schedule":  {"kk": "кесте", "ru": "расписание", "en": "the schedule"},
}

// when is a moment for people.
func when(at time.Time) string { return at.In(register.Zone).Format("2006-01-02 15:04 -07:00") }

// sayHold prints a hold for people.
func (t *tool) sayHold(h *holds.Hold, lang lawtool.Language) {
	say := func(key string, args ...any) { t.Say(holdWords[key][lang], args...) }
	asked, d, n, b := h.Asked, h.Decision, h.Numbers, h.Before
	if asked == "schedule" {
		asked = holdWords["schedule"][lang]
	}
	say("title", h.ID, h.Connector, when(h.Due), asked)
	for _, f := range h.Findings {
		say("reached", lang.Of(f.Words()), f.Code())
	}
	say("people", n.Read, n.Send, n.Refused)
	if n.Compared {
		say("compared", n.New, n.Changed, n.Unchanged, n.Withdrawn, n.Has)
	}
	if b.Transfer != "" {
		say("before", b.Read, b.Sent, b.Refused, b.Transfer)
	}
	say("plan", h.Plan)
	if d.State != holds.Open {
		say(d.State, when(d.At), d.Actor, d.Reason)
		if d.Transfer != "" {
			say("transfer", d.Transfer)
		}
		return
	}
	if d.Rows > 1 {
		say("rows", d.Rows)
	}
	say("open", when(h.Expires))
	say("approve", h.ID, asked, h.Author)
	say("discard", h.ID)
}
