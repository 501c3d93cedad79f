package calendar

import "time"

// Term is a time that law or policy sets.
type Term struct {
	// Code is stable; Days is its length, in working days if Working.
	Code    string
	Days    int
	Working bool
	// Rule and Source say where it comes from.
	Rule, Source string
	// KK, RU and EN name what is due.
	KK, RU, EN string
}

// Terms lists every term, by what is due.
func Terms() []Term {
	return []Term{
		{"information", 3, true, "SUBJ-1", "94-V 25(2)(6)-(7)", "субъектіге ақпарат не дәлелді бас тарту", "сведения субъекту или мотивированный отказ", "information to the subject, or a reasoned refusal"},
		{"correct", 1, true, "UPD-2", "94-V 25(2)(8)", "деректерді түзету", "исправление данных", "correction of data"},
		{"block", 1, true, "BLK-4", "94-V 25(2)(8)", "бұғаттау", "блокирование", "block"},
		{"unblock", 1, true, "BLK-4", "94-V 25(2)(8)", "бұғаттан шығару", "снятие блокирования", "unblock"},
		{"destroy", 1, true, "BLK-4", "94-V 25(2)(8)", "заңсыз деректерді жою", "уничтожение незаконных данных", "destruction of unlawful data"},
		{"stop", 15, true, "CON-2", "94-V 8(7)", "кері алғаннан кейін өңдеуді тоқтату", "прекращение обработки после отзыва", "end of processing after withdrawal"},
		{"notify_subject", 10, true, "SUBJ-1", "94-V 19(1)", "субъектіге беру туралы хабарлау", "уведомление субъекта о передаче", "notice of a transfer to the subject"},
		{"objection", 3, true, "SUBJ-1", "94-V 19-1", "автоматты өңдеуге қарсылыққа жауап", "ответ на возражение против автоматической обработки", "answer to an objection to automated processing"},
		{"breach", 1, true, "INC-1", "94-V 25(2)", "уәкілетті органға бұзушылық туралы хабарлау", "уведомление уполномоченного органа о нарушении", "breach notice to the authority"},
		{"claim", 30, false, "CLM-2", "8.2", "талапқа жазбаша жауап", "письменный ответ на претензию", "written answer to a claim"},
	}
}

// TermOf finds a term by its code.
func TermOf(code string) (Term, bool) {
	for _, t := range Terms() {
		if t.Code == code {
			return t, true
		}
	}
	return Term{}, false
}

// Due returns the first moment of the last day of the term that an event at received starts; the duty is overdue from the next day on.
func (c *Calendar) Due(t Term, received time.Time) (time.Time, error) {
	if t.Working {
		return c.AddWorkingDays(received, t.Days)
	}
	return (dayOf(received) + day(t.Days)).begin(), nil
}

// Overdue says whether the last day of a duty is over.
func Overdue(due, now time.Time) bool { return dayOf(now) > dayOf(due) }
