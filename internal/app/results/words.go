package results

import (
	"strings"

	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/transfer"
)

// words are what the account of a transfer says.
var words = map[string]map[lawtool.Language]string{
	"title": {"kk": "Жіберілім %s, бастаған: %s, коннектор %s", "ru": "Передача %s, запустил: %s, коннектор %s", "en": "Transfer %s by %s, connector %s"},

	"status":      {"kk": "күйі", "ru": "состояние", "en": "status"},
	"because":     {"kk": "себебі", "ru": "потому что", "en": "because"},
	"what to do":  {"kk": "не істеу керек", "ru": "что делать", "en": "what to do"},
	"recipient":   {"kk": "алушы", "ru": "получатель", "en": "recipient"},
	"bin":         {"kk": "БСН %s, бағыт %s", "ru": "БИН %s, маршрут %s", "en": "BIN %s, route %s"},
	"basis":       {"kk": "құқықтық негізі", "ru": "правовое основание", "en": "legal basis"},
	"path":        {"kk": "%s жолы, саясаттың %s тармағы; %s", "ru": "путь %s, пункт %s политики; %s", "en": "%s path, policy clause %s; %s"},
	"consent":     {"kk": "келісім", "ru": "согласия", "en": "consent"},
	"statute":     {"kk": "заң", "ru": "закона", "en": "statute"},
	"act":         {"kk": "акт: %s / %s", "ru": "акт: %s / %s", "en": "act: %s / %s"},
	"procedure":   {"kk": "тәртібі: %s", "ru": "порядок: %s", "en": "procedure: %s"},
	"competence":  {"kk": "алушының құзыреті: %s", "ru": "компетенция получателя: %s", "en": "recipient's competence: %s"},
	"item":        {"kk": "келісім қажет емес, себебі: %s", "ru": "согласие не требуется по: %s", "en": "consent not needed by: %s"},
	"example":     {"kk": "(МЫСАЛ актісі: көрсетілім емес қызмет одан бас тартады)", "ru": "(акт-ПРИМЕР: служба вне демонстрации его не примет)", "en": "(an EXAMPLE act: a service that is not a demonstration refuses it)"},
	"purpose":     {"kk": "мақсаты", "ru": "цель", "en": "purpose"},
	"fields sent": {"kk": "жіберілген өрістер", "ru": "переданные поля", "en": "fields sent"},
	"not given":   {"kk": "берілмеді", "ru": "не передаются", "en": "not given"},
	"not sent":    {"kk": "жіберілмеді", "ru": "не отправлены", "en": "not sent"},
	"counted":     {"kk": "саналды", "ru": "посчитаны", "en": "counted"},
	"in a table":  {"kk": "%d адам сандар кестесінде; ешкім туралы дерек жіберілмеді (%s)", "ru": "%d человек в таблице чисел; ни о ком ничего не отправлено (%s)", "en": "%d people in a table of counts; nothing of anybody was sent (%s)"},
	"refused":     {"kk": "%d адам: %s ережесі бойынша бас тартылды: %s", "ru": "%d человек: отказано по правилу %s: %s", "en": "%d people refused by %s: %s"},
	"withheld":    {"kk": "%d адам: деректері сай емес, %s: %s", "ru": "%d человек: данные не подходят, %s: %s", "en": "%d people withheld by %s: %s"},
	"rejected":    {"kk": "%d адам: алушы қабылдамады, %s: %s", "ru": "%d человек: не приняты получателем, %s: %s", "en": "%d people rejected by %s: %s"},
	"more":        {"kk": "тағы %d себеп: almasu transfers show %s --outcomes", "ru": "ещё причин: %d, см. almasu transfers show %s --outcomes", "en": "and %d reasons more: almasu transfers show %s --outcomes"},
	"disputed":    {"kk": "%d адам: алушының жауабы ештеңені дәлелдемейді [%s]", "ru": "%d человек: ответ получателя ничего не доказывает [%s]", "en": "%d people: the recipient's answer proves nothing [%s]"},
	"receipt.counts": {"kk": "%d адам: алушы жіберілгеннен басқа сан көрсетіп отыр [%s]", "ru": "%d человек: получатель насчитал не столько записей, сколько отправлено [%s]",
		"en": "%d people: the recipient counts other records than it was sent [%s]"},
	"abandoned":  {"kk": "%d адам: мерзімінде жеткізілмеді [%s]", "ru": "%d человек: не доставлено в срок [%s]", "en": "%d people: not delivered in time [%s]"},
	"unbalanced": {"kk": "сандар сәйкес келмейді: төмендегі «адамдар» жолын қараңыз", "ru": "числа не сходятся: смотрите строку «люди»", "en": "the counts do not add up: see the line \"people\""},
	"dispute advice": {"kk": "алушымен салыстырыңыз: онда authority status; docs/operations.md, «A disputed message»", "ru": "сверьте с получателем: у него authority status; docs/operations.md, «A disputed message»",
		"en": "compare with the recipient, there: authority status; see docs/operations.md, \"A disputed message\""},
	"in words":    {"kk": "қысқаша", "ru": "словами", "en": "in words"},
	"read":        {"kk": "қаралған адам: %d", "ru": "просмотрено людей: %d", "en": "%d people were looked at"},
	"n accepted":  {"kk": "%d — алушы қабылдады", "ru": "%d — получатель принял", "en": "%d: the recipient has taken them"},
	"n unchanged": {"kk": "%d — өзгеріс жоқ, қайта жіберілмеді", "ru": "%d — без изменений, повторно не отправлены", "en": "%d: nothing has changed, so they were not sent again"},
	"n refused":   {"kk": "%d — заң беруге рұқсат етпейді", "ru": "%d — закон не разрешает передавать", "en": "%d: the law does not let them be sent"},
	"n withheld":  {"kk": "%d — деректері алушының нысанына келмейді", "ru": "%d — данные не подходят к форме получателя", "en": "%d: their data do not fit the recipient's form"},
	"n rejected":  {"kk": "%d — алушы қабылдамады", "ru": "%d — получатель не принял", "en": "%d: the recipient did not take them"},
	"n pending":   {"kk": "%d — алушының жауабы әзірге жоқ", "ru": "%d — ответа получателя пока нет", "en": "%d: there is no word of the recipient yet"},
	"n open":      {"kk": "%d — алушы алғаны дәлелденбеген", "ru": "%d — не доказано, что получатель их получил", "en": "%d: it is not proven that the recipient has them"},
	"compared":    {"kk": "салыстырылды", "ru": "сравнены", "en": "compared"},
	"compare.candidates": {"kk": "соңғы салыстырудан бері платформада бірдеңесі өзгергендер ғана", "ru": "только те, о ком на платформе что-то изменилось после прошлого сравнения",
		"en": "only those of whom the platform has changed something since the last comparison"},
	"compare.first": {"kk": "барлығы: алдыңғы аяқталған салыстыру жоқ", "ru": "все: нет завершённого сравнения, с которого можно продолжить", "en": "everybody: there is no completed comparison to go on from"},
	"compare.clock": {"kk": "барлығы: сағат соңғы толық салыстырудан бұрынғы уақытты көрсетіп тұр", "ru": "все: часы показывают время до последнего полного сравнения", "en": "everybody: the clock is before the last full comparison"},
	"compare.day":   {"kk": "барлығы: бүгінгі алғашқы салыстыру", "ru": "все: это первое сравнение за день", "en": "everybody: it is the first comparison of the day"},
	"compare.term":  {"kk": "барлығы: толық салыстыру мерзімі келді", "ru": "все: пришёл срок полного сравнения", "en": "everybody: a full comparison was due"},
	"compare.horizon": {"kk": "барлығы: платформаның дерекқоры, кестелері, келісім нысандары немесе олардың сипаттамасы бұрынғыдай емес", "ru": "все: база платформы, её таблицы, формы согласия или их описание уже не те",
		"en": "everybody: the platform's database, its tables, its consent forms or their description are not what they were"},
	"compare.under.": {"kk": "барлығы: соңғы толық салыстырудан бері ережелер өзгерді (%s)", "ru": "все: после последнего полного сравнения изменились правила (%s)", "en": "everybody: what decides has changed since the last full comparison (%s)"},
	"people":         {"kk": "адамдар", "ru": "люди", "en": "people"},
	"identity": {"kk": "оқылды %d %s қабылданды %d + өзгеріссіз %d + бас тартылды %d + сай емес %d + алушы қабылдамады %d + күтуде %d; алушының саны %d",
		"ru": "прочитано %d %s принято %d + без изменений %d + отказано %d + не подходят %d + отклонено %d + ожидают %d; получатель насчитал %d",
		"en": "read %d %s accepted %d + unchanged %d + refused %d + withheld %d + rejected %d + pending %d; receiver counts %d"},
	"receipts": {"kk": "түбіртектер", "ru": "квитанции", "en": "receipts"},
	"delivered": {"kk": "%[2]d хабарламаның %[1]d жеткізіліп, түбіртегі алынды, нөмірлері %[3]d–%[4]d", "ru": "доставлено и подтверждено %d из %d сообщений, номера с %d по %d",
		"en": "%d of %d messages delivered and receipted, sequence %d to %d"},
	"no message": {"kk": "жоқ: ешқандай хабарлама жасалмады", "ru": "нет: сообщений не составлено", "en": "none: no message was made"},
	"log index":  {"kk": "журналдағы орны", "ru": "место в журнале", "en": "log index"},
	"retry of":   {"kk": "қайталау", "ru": "повтор", "en": "retry of"},
	"of":         {"kk": "%s жіберілімінің %d жазбасы", "ru": "передачи %s, записей: %d", "en": "transfer %s, %d records"},
	"retried":    {"kk": "қайталанды", "ru": "повторена", "en": "retried by"},
	"by":         {"kk": "%s жіберілімі, жазбалар: %d", "ru": "передачей %s, записей: %d", "en": "transfer %s, %d records"},

	"successful":        {"kk": "Сәтті: барлығы есепте", "ru": "Успешно: учтены все", "en": "Successful: everybody is accounted for"},
	"sent_with_rejects": {"kk": "Жіберілді; кейбір жазбаларды алушы қабылдамады немесе деректері сай келмеді", "ru": "Отправлено; часть записей получатель не принял или их данные не подошли", "en": "Sent; some records were rejected by the recipient or withheld for their data"},
	"nothing sent":      {"kk": "Ештеңе жіберілмеді; кейбір адамдардың деректері сай келмеді", "ru": "Ничего не отправлено; данные некоторых людей не подошли", "en": "Nothing was sent; some records were withheld for their data"},
	"in_progress":       {"kk": "Орындалуда: хабарламалар түбіртек күтуде, олар қайта жіберіледі", "ru": "Выполняется: сообщения ждут квитанции и будут отправлены снова", "en": "In progress: messages wait for a receipt and will be tried again"},
	"not_permitted":     {"kk": "Рұқсат етілмеді: заң бұған жол бермейді; ештеңе оқылмады", "ru": "Не разрешено: закон этого не допускает; ничего не прочитано", "en": "Not permitted: the law refused this run; nothing was read"},
	"failed":            {"kk": "Сәтсіз аяқталды", "ru": "Не удалось", "en": "Failed"},
	"unknown":           {"kk": "Күйі белгісіз", "ru": "Состояние неизвестно", "en": "Status unknown"},

	"outcomes": {"kk": "Алушы қабылдамаған жазбалар: %d; бұрын болғандары жаңартылды: %d", "ru": "Не принято получателем записей: %d; обновлено имевшихся: %d", "en": "Records that the recipient did not take: %d; records that it had and has updated: %d"},
	"group":    {"kk": "%s: %d жазба", "ru": "%s: записей %d", "en": "%s: %d records"},
	"text":     {"kk": "   алушының сөзі (%d): %s", "ru": "   слова получателя (%d): %s", "en": "   the recipient says (%d): %s"},
	"texts":    {"kk": "   және тағы %d мәтін", "ru": "   и ещё текстов: %d", "en": "   and %d texts more"},
	"records":  {"kk": "   жазбалар: %s", "ru": "   записи: %s", "en": "   records: %s"},
	"others":   {"kk": " және тағы %d (--json бәрін көрсетеді)", "ru": " и ещё %d (все — с --json)", "en": " and %d more (--json lists all)"},
	"again":    {"kk": "Қайта жіберу үшін: almasu retry --transfer %s --code КОД --reason СЕБЕП", "ru": "Отправить снова: almasu retry --transfer %s --code КОД --reason ПРИЧИНА", "en": "To send them again: almasu retry --transfer %s --code CODE --reason TEXT"},

	"held": {"kk": "кідіртілді: %s, мерзімі %s: шешімді адам қабылдайды, қараңыз: almasu holds %s", "ru": "задержано: %s, срок %s: решает человек, см. almasu holds %s",
		"en": "held: %s due %s: a person decides, see: almasu holds %s"},
	"missed":    {"kk": "өткізіп алынды: %s, мерзімі %s: %s", "ru": "пропущено: %s, срок %s: %s", "en": "missed: %s due %s: %s"},
	"STARTED":   {"kk": "БАСТАЛДЫ", "ru": "НАЧАТА", "en": "STARTED"},
	"TRANSFER":  {"kk": "ЖІБЕРІЛІМ", "ru": "ПЕРЕДАЧА", "en": "TRANSFER"},
	"CONNECTOR": {"kk": "КОННЕКТОР", "ru": "КОННЕКТОР", "en": "CONNECTOR"},
	"TRIGGER":   {"kk": "СЕБЕП", "ru": "ПОВОД", "en": "TRIGGER"},
	"STATUS":    {"kk": "КҮЙІ", "ru": "СОСТОЯНИЕ", "en": "STATUS"},
	"READ":      {"kk": "ҚАРАЛДЫ", "ru": "ПРОСМОТРЕНО", "en": "READ"},
	"ACCEPTED":  {"kk": "ҚАБЫЛДАНДЫ", "ru": "ПРИНЯТО", "en": "ACCEPTED"},
	"UNCHANGED": {"kk": "ӨЗГЕРІССІЗ", "ru": "БЕЗ ИЗМЕНЕНИЙ", "en": "UNCHANGED"},
	"REFUSED":   {"kk": "ЗАҢ РҰҚСАТ ЕТПЕДІ", "ru": "НЕ РАЗРЕШЕНО ЗАКОНОМ", "en": "REFUSED"},
	"WITHHELD":  {"kk": "САЙ ЕМЕС", "ru": "НЕ ПОДОШЛИ", "en": "WITHHELD"},
	"REJECTED":  {"kk": "АЛУШЫ ҚАБЫЛДАМАДЫ", "ru": "НЕ ПРИНЯЛ ПОЛУЧАТЕЛЬ", "en": "REJECTED"},
	"PENDING":   {"kk": "КҮТУДЕ", "ru": "ЖДУТ", "en": "PENDING"},

	"short successful":        {"kk": "сәтті", "ru": "успешно", "en": "successful"},
	"short sent_with_rejects": {"kk": "ішінара", "ru": "частично", "en": "sent_with_rejects"},
	"short in_progress":       {"kk": "орындалуда", "ru": "выполняется", "en": "in_progress"},
	"short not_permitted":     {"kk": "рұқсат жоқ", "ru": "не разрешено", "en": "not_permitted"},
	"short failed":            {"kk": "сәтсіз", "ru": "не удалось", "en": "failed"},
	"short ":                  {"kk": "белгісіз", "ru": "неизвестно", "en": "unknown"},

	"retry":     {"kk": "%[2]s жіберілімінің %[1]d жазбасы қайта жіберіледі (жіберілім %[3]s)", "ru": "Снова отправляются записи передачи %[2]s: %[1]d (передача %[3]s)", "en": "%d records of transfer %s are sent again, as transfer %s"},
	"would":     {"kk": "%[2]s жіберілімінің %[1]d жазбасы қайта жіберілер еді; ештеңе жіберілген жоқ", "ru": "Были бы отправлены снова записи передачи %[2]s: %[1]d; ничего не отправлено", "en": "%d records of transfer %s would be sent again; nothing was sent"},
	"already":   {"kk": "%d жазба бұрын қайталанған: сол жіберілімді қайталаңыз", "ru": "Уже повторены: %d; повторяйте ту передачу", "en": "%d records were sent again before: retry the transfer that did"},
	"destroyed": {"kk": "%d жазбаның кімдікі екені енді белгісіз", "ru": "О записях уже не известно, чьи они: %d", "en": "of %d records it is not known any more whose they are"},
	"gone":      {"kk": "%d адам платформада жоқ", "ru": "На платформе больше нет людей: %d", "en": "%d people are no longer on the platform"},
	"waits":     {"kk": "Қайталау енгізілді, бірақ әлі аяқталған жоқ; оны almasu serve жалғастырады: almasu transfers %s", "ru": "Повтор введён и ещё не завершён; его продолжит almasu serve: almasu transfers %s", "en": "The retry is entered and not at its end; almasu serve goes on with it: almasu transfers %s"},
}

// withheld says in words what a code of a record that was withheld means; codes of a schema have the words of the code "schema".
var withheld = map[string]map[lawtool.Language]string{
	"mapping.not_phone":         {"kk": "бұл Қазақстан телефонының нөмірі емес", "ru": "это не телефонный номер Казахстана", "en": "no telephone number of Kazakhstan"},
	"mapping.not_digits":        {"kk": "онда цифрлар ғана болуы керек", "ru": "здесь должны быть только цифры", "en": "something else than digits"},
	"mapping.not_in_encoding":   {"kk": "келісілген кодтауда жоқ әріп бар", "ru": "есть буква, которой нет в согласованной кодировке", "en": "a letter that the agreed encoding lacks"},
	"mapping.formula":           {"kk": "кестеде формула болып кетер еді", "ru": "в таблице это стало бы формулой", "en": "it would begin a formula in a table"},
	"mapping.too_long":          {"kk": "тым ұзын", "ru": "слишком длинно", "en": "too long"},
	"mapping.too_long_for_cell": {"kk": "ұяшыққа сыймайды", "ru": "не помещается в ячейку", "en": "too long for a cell"},
	"mapping.required_missing":  {"kk": "міндетті мән жоқ", "ru": "нет обязательного значения", "en": "a value that must be there is missing"},
	"mapping.code_unmapped":     {"kk": "кодтар тізімінде жоқ", "ru": "нет в перечне кодов", "en": "not in the list of codes"},
	"mapping.not_of_type":       {"kk": "түрі басқа", "ru": "другого типа", "en": "of another type"},
	"mapping.not_nfc":           {"kk": "әріптері дұрыс құрастырылмаған", "ru": "буквы составлены неправильно", "en": "letters that are not composed"},
	"mapping.not_xml":           {"kk": "XML-де болмайтын таңба бар", "ru": "есть знак, недопустимый в XML", "en": "a character that XML does not have"},
	"schema":                    {"kk": "келісілген схемаға сай емес", "ru": "не соответствует согласованной схеме", "en": "it does not fit the agreed schema"},
}

// meaning is a code of a record that was withheld, with its words if there are any.
func meaning(code string, lang lawtool.Language) string {
	family, _, _ := strings.Cut(code, ".")
	text, ok := withheld[code]
	if !ok {
		text, ok = withheld[family]
	}
	if !ok {
		return code
	}
	return code + " (" + text[lang] + ")"
}

// say is a word or sentence in a language; an unknown key is itself.
func say(lang lawtool.Language, key string) string {
	if text, ok := words[key][lang]; ok {
		return text
	}
	return key
}

// Word is a status in a word.
func Word(s transfer.Status, lang lawtool.Language) string { return say(lang, "short "+string(s)) }
