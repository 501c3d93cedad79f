package requests

import "birgeoqy.kz/almasu/internal/app/lawtool"

// words are what an official reads of requests.
var words = map[string]map[lawtool.Language]string{
	"entered":  {"kk": "енгізілді, бекітілмеген", "ru": "введён, не утверждён", "en": "entered, not approved"},
	"approved": {"kk": "екі адамның біреуі бекітті", "ru": "утверждён одним из двух", "en": "approved by one of two"},
	"due":      {"kk": "екі адам бекітті, жіберілуі керек", "ru": "утверждён двумя, подлежит отправке", "en": "approved by two, to be sent"},
	"answered": {"kk": "жауап берілді", "ru": "дан ответ", "en": "answered"},
	"closed":   {"kk": "жабылды", "ru": "закрыт", "en": "closed"},
	"expired":  {"kk": "мерзімі өтті", "ru": "истёк", "en": "expired"},

	"REQUEST":   {"kk": "СҰРАУ", "ru": "ЗАПРОС", "en": "REQUEST"},
	"NUMBER":    {"kk": "НӨМІРІ", "ru": "НОМЕР", "en": "NUMBER"},
	"RECIPIENT": {"kk": "АЛУШЫ", "ru": "ПОЛУЧАТЕЛЬ", "en": "RECIPIENT"},
	"STATE":     {"kk": "КҮЙІ", "ru": "СОСТОЯНИЕ", "en": "STATE"},
	"DEADLINE":  {"kk": "МЕРЗІМІ", "ru": "СРОК", "en": "DEADLINE"},
	"EXPIRES":   {"kk": "АЯҚТАЛУЫ", "ru": "ИСТЕКАЕТ", "en": "EXPIRES"},
	"overdue":   {"kk": "%s МЕРЗІМІ ӨТКЕН", "ru": "%s ПРОСРОЧЕН", "en": "%s OVERDUE"},

	"title":      {"kk": "%s сұрауы: %s, %s нөмірлі хат, %s, қол қойған: %s", "ru": "Запрос %s: %s, письмо № %s от %s, подписал: %s", "en": "Request %s: %s, letter no. %s of %s, signed by %s"},
	"recipient":  {"kk": "  алушы: %s, БСН %s, бағыт %s", "ru": "  получатель: %s, БИН %s, маршрут %s", "en": "  recipient: %s, BIN %s, route %s"},
	"norms":      {"kk": "  құзыреті: %s %s; негізі: %s %s", "ru": "  компетенция: %s %s; основание: %s %s", "en": "  competence: %s %s; ground: %s %s"},
	"fields":     {"kk": "  сұралған деректер: %s", "ru": "  запрошенные данные: %s", "en": "  data asked for: %s"},
	"named":      {"kk": "  адамдар: хатта аталған %d адам", "ru": "  люди: названы в письме, %d", "en": "  people: %d named by the letter"},
	"everyone":   {"kk": "  адамдар: барлығы", "ru": "  люди: все", "en": "  people: everyone"},
	"territory":  {"kk": "  адамдар: мына аумақта тұратындар: %s", "ru": "  люди: живущие на территории: %s", "en": "  people: who live in the territory %s"},
	"filter":     {"kk": "  адамдар: %s мәні мынадай: %s", "ru": "  люди: у кого %s: %s", "en": "  people: whose %s is %s"},
	"terms":      {"kk": "  жауап мерзімі: %s; сұраудың аяқталуы: %s", "ru": "  срок ответа: %s; запрос истекает: %s", "en": "  answer wanted by %s; the request expires on %s"},
	"scan":       {"kk": "  хаттың сканері: %s", "ru": "  скан письма: %s", "en": "  scan of the letter: %s"},
	"initiator":  {"kk": "  енгізген: %s, %s (ол бекіте алмайды)", "ru": "  ввёл: %s, %s (утверждать не может)", "en": "  entered by %s on %s (who cannot approve it)"},
	"approval":   {"kk": "  бекітті: %s, %s, жоспар %s%s", "ru": "  утвердил: %s, %s, план %s%s", "en": "  approved by %s on %s, plan %s%s"},
	"not count":  {"kk": " (есептелмейді)", "ru": " (не считается)", "en": " (does not count)"},
	"transfer":   {"kk": "  жіберілім %s: %s", "ru": "  передача %s: %s", "en": "  transfer %s: %s"},
	"note":       {"kk": "  жапты: %s, %s: %s", "ru": "  закрыл: %s, %s: %s", "en": "  closed by %s on %s: %s"},
	"next":       {"kk": "Келесі қадам: almasu plan --request %s --reason СЕБЕП, содан кейін almasu approve %s --plan ДАЙДЖЕСТ --as КІМ --key ФАЙЛ", "ru": "Дальше: almasu plan --request %s --reason ПРИЧИНА, затем almasu approve %s --plan ДАЙДЖЕСТ --as КТО --key ФАЙЛ", "en": "Next: almasu plan --request %s --reason TEXT, then almasu approve %s --plan DIGEST --as WHO --key FILE"},
	"none":       {"kk": "Сұраулар жоқ.", "ru": "Запросов нет.", "en": "There are no requests."},
	"same":       {"kk": "Файл — дәл сол скан.", "ru": "Файл — тот самый скан.", "en": "The file is the scan that the request names."},
	"closed now": {"kk": "%s сұрауы жабылды.", "ru": "Запрос %s закрыт.", "en": "Request %s is closed."},
}

func say(lang lawtool.Language, key string) string { return words[key][lang] }
