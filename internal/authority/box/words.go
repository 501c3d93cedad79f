package box

import (
	"fmt"
	"io"
)

// Languages are those in which a look is told: Kazakh, Russian, English.
var Languages = []string{"kk", "ru", "en"}

// phrases are the lines of a look, by language.
var phrases = map[string][3]string{
	"kk": {"түбіртек берілген пакеттер: %d, олардың ішінде бас тартылғаны: %d; қабылданған журнал күйлері: %d\n", "- %s қалды: %s [%s]\n", "    не істеу керек: %s\n"},
	"ru": {"пакетов с квитанцией: %d, из них с отказом: %d; принято состояний журналов: %d\n", "- %s остаётся: %s [%s]\n", "    что делать: %s\n"},
	"en": {"%d parcels have a receipt now, %d of them a refusal; %d states of logs accepted\n", "- %s stays: %s [%s]\n", "    hint: %s\n"},
}

// reasons say in Kazakh and Russian why a file stays, and what to do; in English, and for other codes, a look says that itself.
var reasons = map[string]map[string][2]string{
	"kk": {
		"parcel.malformed":       {"файл бүтін пакет емес", "ол қиылған немесе өзгертілген: оны алып тастаңыз, жіберуші келесі жолы қайта салады"},
		"parcel.encrypted":       {"құжат шифрланған, ал оны ашатын кілт көрсетілмеген", "баптауда identity астында age кілтінің файлын көрсетіңіз"},
		"parcel.not_for_us":      {"құжат басқа біреуге шифрланған", "жіберуші қолданатын ашық кілтті біздікімен салыстырыңыз"},
		"parcel.not_a_file":      {"бұл атаумен кәдімгі файл тұрған жоқ", "оны алып тастап, кім қойғанын сұраңыз"},
		"parcel.unreadable":      {"файлды оқу мүмкін емес", "authority жұмыс істейтін есептік жазбаға оқуға рұқсат беріп, дискіні қараңыз"},
		"parcel.too_large":       {"файл тым үлкен", "жіберушіден кішірек хабарламалар сұраңыз"},
		"parcel.manifest":        {"пакеттің мазмұндамасы конвертке сай емес", "жіберушіден сұраңыз: файл өзгертілген"},
		"signing.unknown_key":    {"қол қойған кілт немесе жіберуші баптауда жоқ", "жіберушінің БСН-ін және кілтін салыстырыңыз, таңбасын телефонмен тексеріңіз"},
		"log.checkpoint_unknown": {"журнал күйі әлі таныстырылмаған", "күтіңіз: жіберуші келесі жолы таныстырады"},
		"log.checkpoint_base":    {"дәлелдеме басқа күйден басталады", "күтіңіз: жіберуші келесі жолы таныстырады"},
		"log.inconsistent":       {"жіберушінің журналы өзіне қайшы", "ештеңе қабылданбайды; жіберушімен сөйлесіңіз, authority status қараңыз"},
		"sequence.too_far":       {"алдыңғы нөмірлер жетіспейді", "жіберуші алдымен оларды жіберуі керек"},
	},
	"ru": {
		"parcel.malformed":       {"файл не является целым пакетом", "он обрезан или изменён: удалите его, отправитель в следующий раз положит его снова"},
		"parcel.encrypted":       {"документ зашифрован, а ключ, который его открывает, не указан", "укажите в настройке под identity файл ключа age"},
		"parcel.not_for_us":      {"документ зашифрован для кого-то другого", "сравните открытый ключ, которым шифрует отправитель, с нашим"},
		"parcel.not_a_file":      {"под этим именем нет обычного файла", "удалите это и спросите, кто его положил"},
		"parcel.unreadable":      {"файл не удаётся прочитать", "дайте учётной записи, под которой работает authority, право на чтение, и посмотрите на диск"},
		"parcel.too_large":       {"файл слишком большой", "попросите отправителя о сообщениях поменьше"},
		"parcel.manifest":        {"опись пакета не соответствует конверту", "спросите отправителя: файл изменён"},
		"signing.unknown_key":    {"ключа подписи или отправителя нет в настройке", "сравните БИН и ключ отправителя, отпечаток — по телефону"},
		"log.checkpoint_unknown": {"состояние журнала ещё не представлено", "подождите: отправитель представит его в следующий раз"},
		"log.checkpoint_base":    {"доказательство начинается с другого состояния", "подождите: отправитель представит его в следующий раз"},
		"log.inconsistent":       {"журнал отправителя противоречит сам себе", "ничего не принимается; поговорите с отправителем, см. authority status"},
		"sequence.too_far":       {"недостаёт предыдущих номеров", "отправитель должен сначала прислать их"},
	},
}

// Write prints what a look has found for people, in one of [Languages].
func (i *Intake) Write(w io.Writer, lang string) error {
	say := phrases[lang]
	_, err := fmt.Fprintf(w, say[0], i.Taken, i.Refused, i.States)
	for _, one := range i.Waiting {
		text, hint := one.Text, one.Hint
		if r, ok := reasons[lang][one.Code]; ok {
			text, hint = r[0], r[1]
		}
		fmt.Fprintf(w, say[1], one.File, text, one.Code)
		if hint != "" {
			fmt.Fprintf(w, say[2], hint)
		}
	}
	return err
}
