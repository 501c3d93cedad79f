package casework

import "birgeoqy.kz/almasu/internal/app/lawtool"

// subjectWords are the words of a person's file.
var subjectWords = map[string]map[lawtool.Language]string{
	"title": {"kk": "Сіздің дербес деректеріңіздің берілуі туралы анықтама, %s", "ru": "Справка о передаче Ваших персональных данных, %s",
		"en": "Statement of the transfers of your personal data, %s"},
	"operator":          {"kk": "Оператор: %s, БСН %s. Сұрақтар үшін: %s", "ru": "Оператор: %s, БИН %s. Для вопросов: %s", "en": "Operator: %s, BIN %s. For questions: %s"},
	"given":             {"kk": "Деректеріңіз кірген хабарламалар: %d", "ru": "Сообщений с Вашими данными: %d", "en": "Messages that held your data: %d"},
	"recipient":         {"kk": "   Алушы: %s, БСН %s", "ru": "   Получатель: %s, БИН %s", "en": "   Recipient: %s, BIN %s"},
	"fields":            {"kk": "   Деректер: %s", "ru": "   Данные: %s", "en": "   Data: %s"},
	"purpose":           {"kk": "   Мақсаты: %s", "ru": "   Цель: %s", "en": "   Purpose: %s"},
	"basis":             {"kk": "   Негізі: %s, саясаттың %s тармағы; %s (%s)", "ru": "   Основание: %s, пункт %s политики; %s (%s)", "en": "   Basis: %s, clause %s of the policy; %s (%s)"},
	"procedure":         {"kk": "   Тәртібі: %s", "ru": "   Порядок: %s", "en": "   Procedure: %s"},
	"outcome":           {"kk": "   Нәтижесі: %s", "ru": "   Результат: %s", "en": "   Outcome: %s"},
	"receipt":           {"kk": "   Алушының қол қойған түбіртегі: %s, %s", "ru": "   Подписанная квитанция получателя: %s, %s", "en": "   The recipient's signed receipt: %s, %s"},
	"log":               {"kk": "   Журналдағы жазба: %d, хабарлама %s", "ru": "   Запись журнала: %d, сообщение %s", "en": "   Entry of the log: %d, message %s"},
	"refused":           {"kk": "Деректеріңізді беруден бас тартылған жағдайлар: %d", "ru": "Отказов в передаче Ваших данных: %d", "en": "Transfers that refused to send your data: %d"},
	"given_destroyed":   {"kk": "%s дейінгі жіберілімдердің тізімдері сақтау мерзімі өткендіктен жойылған: олар бойынша мәлімет беру мүмкін емес.", "ru": "Списки переданных сведений до %s уничтожены по истечении срока хранения: о них сообщить нельзя.", "en": "Lists of what was given before %s were destroyed at the end of their term: nothing can be said of them."},
	"refused_destroyed": {"kk": "%s дейінгі бас тартулардың тізімдері сақтау мерзімі өткендіктен жойылған.", "ru": "Списки отказов до %s уничтожены по истечении срока хранения.", "en": "Lists of refusals before %s were destroyed at the end of their term."},
	"blocked":           {"kk": "Деректеріңіз бұғатталған: ешқандай түрде берілмейді.", "ru": "Ваши данные заблокированы: ни в каком виде не передаются.", "en": "Your data are blocked: they leave in no form."},
	"held": {"kk": "Талапқа байланысты сіз туралы жазбалар сақталады.", "ru": "Записи о Вас сохраняются в связи с претензией.",
		"en": "The records about you are kept because of a claim."},
	"end": {"kk": "Бұл анықтамада деректердің мәндері жоқ: тек олардың атаулары.", "ru": "В справке нет значений данных: только их названия.",
		"en": "This statement holds no values of your data: it names them only."},

	"notice_correct": {"kk": "- %s, %s (%s): деректерді түзету туралы хабарланды, жазбалар: %d (%s), %s", "ru": "- %s, %s (%s): сообщено об исправлении данных, записей: %d (%s), %s",
		"en": "- %s, %s (%s) was told to correct, records: %d (%s), %s"},
	"notice_withdraw": {"kk": "- %s, %s (%s): деректерді пайдалануды тоқтату туралы хабарланды, жазбалар: %d (%s), %s", "ru": "- %s, %s (%s): сообщено о прекращении использования данных, записей: %d (%s), %s",
		"en": "- %s, %s (%s) was told to use no longer, records: %d (%s), %s"},
	"notice_destroy": {"kk": "- %s, %s (%s): деректерді жою туралы хабарланды, жазбалар: %d (%s), %s", "ru": "- %s, %s (%s): сообщено об уничтожении данных, записей: %d (%s), %s",
		"en": "- %s, %s (%s) was told to destroy, records: %d (%s), %s"},
	"outcome_waiting": {"kk": "жауап күтілуде", "ru": "ожидается ответ", "en": "waiting for an answer"},
	"outcome_letter":  {"kk": "хатпен", "ru": "письмом", "en": "by letter"},

	"path_consent": {"kk": "келісім", "ru": "согласие", "en": "consent"},
	"path_statute": {"kk": "заң", "ru": "закон", "en": "law"},

	"outcome_pending":   {"kk": "жауап күтілуде", "ru": "ожидается ответ", "en": "waiting for an answer"},
	"outcome_delivered": {"kk": "алушы қабылдады", "ru": "принято получателем", "en": "received"},
	"outcome_refused":   {"kk": "алушы қабылдамады", "ru": "отклонено получателем", "en": "refused by the recipient"},
	"outcome_disputed":  {"kk": "алушының жауабы дәлелденбеген", "ru": "ответ получателя не доказан", "en": "the recipient's answer proves nothing"},
	"outcome_cancelled": {"kk": "жіберілмеді: тоқтатылды", "ru": "не отправлено: отменено", "en": "cancelled before it left"},
	"outcome_abandoned": {"kk": "жеткізілмеді: мерзімі өтті", "ru": "не доставлено: срок истёк", "en": "given up: not delivered in time"},
}
