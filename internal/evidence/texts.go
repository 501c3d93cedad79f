package evidence

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Languages are those that [Report.Write] knows: Kazakh, Russian, English.
var Languages = []string{"kk", "ru", "en"}

// A text is one sentence in the order of Languages.
type text [3]string

func (t text) in(language string) string { return t[max(0, slices.Index(Languages, language))] }

var (
	textOK      = text{"ТЕКСЕРІЛДІ: қайшылық табылған жоқ", "ПРОВЕРЕНО: расхождений нет", "VERIFIED: nothing contradicts the log"}
	textBad     = text{"ТЕКСЕРУДЕН ӨТПЕДІ: қайшылықтар саны", "НЕ ПРОШЛО ПРОВЕРКУ: расхождений", "NOT VERIFIED: findings"}
	textLog     = text{"журнал", "журнал", "log"}
	textEntries = text{"жазбалар", "записей", "entries"}
	textPoints  = text{"қол қойылған бақылау нүктелері", "подписанных контрольных точек", "signed checkpoints"}
	textHeld    = text{"басқа тарапта сақталған бақылау нүктелері расталды", "подтверждено контрольных точек, хранящихся у другой стороны", "checkpoints held elsewhere confirmed"}
	textSlips   = text{"тексерілген түбіртектер", "проверенных квитанций", "receipts verified"}
	textPending = text{"аяқталмаған хабарламалар", "сообщений без итога", "messages still pending"}
	textOwnKey  = text{
		"НАЗАР АУДАРЫҢЫЗ: журнал кілті файлдың өзінен алынды; оны басқа жолмен алынған кілтпен салыстырыңыз",
		"ВНИМАНИЕ: ключ журнала взят из самого файла; сверьте его с ключом, полученным иным путём",
		"NOTE: the log's key was taken from the file itself; compare it with one that you have from elsewhere",
	}
	textRecipient = text{
		"алушы %s: соңғы нөмір %d, жеткізілген хабарламалар %d, жазбалар %d, аяқталмаған %d",
		"получатель %s: последний номер %d, доставлено сообщений %d, записей %d, без итога %d",
		"recipient %s: last number %d, messages delivered %d, records %d, pending %d",
	}
	textNotices = text{
		"  бұрын берілген жазбалар туралы хабарламалар: %d",
		"  уведомлений о ранее переданных записях: %d",
		"  notices about records sent before: %d",
	}
	textMore  = text{"тағы да қайшылықтар", "и ещё расхождений", "and more findings"}
	textLine  = text{"жол", "строка", "line"}
	textEntry = text{"жазба", "запись", "entry"}
)

// meanings says what each finding means to somebody who answers for the log.
var meanings = map[string]text{
	"export.malformed": {"файл жолы пішімге сай емес", "строка файла не соответствует формату", "a line of the file is not in the format"},
	"export.damaged":   {"файл жазылғаннан кейін өзгертілген", "файл изменён после записи", "the file was changed after it was written"},
	"export.truncated": {"файлдың соңы жоқ", "файл обрезан", "the file was cut"},
	"export.trailing":  {"файлдың соңында артық деректер бар", "после конца файла есть лишние данные", "there are bytes after the end"},
	"export.counts":    {"файлдағы сандар сәйкес емес", "количества в файле не сходятся", "the file's own counts do not match"},
	"export.order":     {"файл жолдарының реті бұзылған", "нарушен порядок строк файла", "the lines are out of order"},

	"log.other_key":            {"журнал басқа кілтке тиесілі", "журнал подписан другим ключом", "the log has another key"},
	"log.entry_malformed":      {"журнал жазбасы пішімге сай емес", "запись журнала не соответствует формату", "an entry is not in the format"},
	"log.root_mismatch":        {"жазбалар қол қойылған күйге сәйкес емес: жазба өзгертілген, алынған немесе қосылған", "записи не соответствуют подписанному состоянию: запись изменена, удалена или добавлена", "the entries are not those that were signed: one was altered, removed or added"},
	"log.checkpoint_malformed": {"бақылау нүктесі пішімге сай емес", "контрольная точка не соответствует формату", "a checkpoint is not in the format"},
	"log.checkpoint_signature": {"бақылау нүктесінің қолтаңбасы жарамсыз", "подпись контрольной точки недействительна", "the signature of a checkpoint is not valid"},
	"log.checkpoint_order":     {"бақылау нүктесі өз орнында емес", "контрольная точка не на своём месте", "a checkpoint is out of place"},
	"log.unsigned_tail":        {"соңғы жазбаларға қол қойылмаған", "последние записи не подписаны", "the last entries are not signed for"},
	"log.inconsistent":         {"журнал қайта жазылған: сақталған бақылау нүктесіне қайшы", "журнал переписан: противоречит хранящейся контрольной точке", "the log was rewritten: it contradicts a checkpoint that is held"},
	"log.truncated":            {"журналдан жазбалар алынып тасталған", "из журнала удалены последние записи", "entries were taken away from the end of the log"},
	"log.sequence_gap":         {"алушыға жіберілген нөмірлер арасында бос орын бар", "пропуск в нумерации сообщений получателю", "a number of the messages to a recipient is missing"},
	"log.sequence_reused":      {"хабарлама нөмірі екінші рет қолданылған", "номер сообщения использован повторно", "a number was used twice"},
	"log.message_reused":       {"хабарлама белгісі екінші рет қолданылған", "идентификатор сообщения использован повторно", "a message id was used twice"},
	"log.void_unknown":         {"жою туралы хабарламаға сәйкес хабарлама жоқ", "извещение об аннулировании не соответствует ни одному сообщению", "a void notice fits no message"},
	"log.delivered_and_voided": {"хабарлама жеткізілген де, жойылған да деп жазылған", "сообщение записано и доставленным, и аннулированным", "a message is called delivered and voided"},
	"log.notice_unknown":       {"бұрынғы жазба туралы хабарлама осы алушыға жіберілмеген хабарламаға қатысты", "уведомление относится к сообщению, которое этому получателю не направлялось", "a notice is about a message that its recipient was never sent"},
	"log.settlement_unknown":   {"нәтиже жазбасының ниет жазбасы жоқ", "итог без записи о намерении", "an outcome without an intent"},
	"log.settlement_other":     {"нәтиже жазбасы ниет жазбасына қайшы", "итог противоречит записи о намерении", "an outcome contradicts its intent"},
	"log.double_settlement":    {"бір хабарламаның екі нәтижесі бар", "у сообщения два итога", "a message has two outcomes"},

	"receipt.missing":           {"алушының түбіртегі жоқ", "нет квитанции получателя", "the recipient's receipt is missing"},
	"receipt.unexpected":        {"артық түбіртек", "лишняя квитанция", "a receipt that nothing names"},
	"receipt.other_bytes":       {"түбіртек журналда көрсетілгеннен басқа", "квитанция не та, что указана в журнале", "the receipt is not the one that the log names"},
	"receipt.settlement":        {"түбіртек пен нәтиже жазбасы қайшы", "квитанция противоречит итогу", "receipt and outcome contradict each other"},
	"receipt.malformed":         {"түбіртек пішімге сай емес", "квитанция не соответствует формату", "the receipt is not in the format"},
	"receipt.unknown_key":       {"түбіртекке белгісіз кілтпен қол қойылған", "квитанция подписана неизвестным ключом", "the receipt is signed by an unknown key"},
	"receipt.key_of_another":    {"түбіртекке басқа алушының кілтімен қол қойылған", "квитанция подписана ключом другого получателя", "the receipt is signed by another recipient's key"},
	"receipt.other_recipient":   {"түбіртек басқа алушыныкі", "квитанция другого получателя", "the receipt is another recipient's"},
	"receipt.key_expired":       {"түбіртек кілтінің мерзімі өткен", "срок ключа квитанции истёк", "the receipt's key had expired"},
	"receipt.key_not_yet_valid": {"түбіртек кілтінің мерзімі басталмаған", "срок ключа квитанции ещё не начался", "the receipt's key was not valid yet"},
	"receipt.bad_signature":     {"түбіртек қолтаңбасы жарамсыз", "подпись квитанции недействительна", "the receipt's signature is not valid"},
	"receipt.other_envelope":    {"түбіртек басқа хабарламаға тиесілі", "квитанция относится к другому сообщению", "the receipt is for another message"},
	"receipt.counts":            {"түбіртектегі сандар сәйкес емес", "количества в квитанции не сходятся", "the receipt's counts do not add up"},

	"signing.bad_key":       {"кілт жарамсыз", "ключ непригоден", "a key cannot be used"},
	"signing.key_period":    {"кілттің мерзімі бос", "срок действия ключа пуст", "the period of a key is empty"},
	"signing.duplicate_key": {"кілт екі рет берілген", "ключ указан дважды", "a key stands twice"},

	"run.unbalanced": {"жіберу қорытындысының сандары сәйкес емес", "итог передачи не сходится", "a run does not add up"},
	"run.accepted":   {"қорытындыдағы қабылданған жазбалар саны түбіртектерге сәйкес емес", "число принятых записей не совпадает с квитанциями", "a run's accepted records are not those of its receipts"},
	"run.refused":    {"қорытындыдағы бас тартулар саны журналға сәйкес емес", "число отказов не совпадает с журналом", "a run's refusals are not those in the log"},
	"run.sequences":  {"қорытындыдағы нөмірлер журналға сәйкес емес", "номера в итоге не совпадают с журналом", "a run's numbers are not those of its messages"},
}

func place(f Finding) string {
	if f.Entry >= 0 {
		return fmt.Sprintf("line %d, entry %d", f.Line, f.Entry)
	}
	return fmt.Sprintf("line %d", f.Line)
}

// Write renders the report for people, in "kk", "ru" or "en"; another language is read as the first.
func (r *Report) Write(w io.Writer, language string) error {
	var b strings.Builder
	if r.OK() {
		fmt.Fprintln(&b, textOK.in(language))
	} else {
		fmt.Fprintf(&b, "%s: %d\n", textBad.in(language), r.Total)
	}
	fmt.Fprintf(&b, "  %s: %s\n", textLog.in(language), r.Origin)
	for _, one := range []struct {
		name text
		n    int64
	}{
		{textEntries, r.Entries}, {textPoints, r.Checkpoints}, {textSlips, r.Receipts},
		{textHeld, int64(r.Held)}, {textPending, r.Pending},
	} {
		fmt.Fprintf(&b, "  %s: %d\n", one.name.in(language), one.n)
	}
	for _, one := range r.Recipients {
		fmt.Fprintf(&b, "  "+textRecipient.in(language)+"\n", one.BIN, one.Last, one.Delivered, one.Records, one.Pending)
		if one.Notices > 0 {
			fmt.Fprintf(&b, "  "+textNotices.in(language)+"\n", one.Notices)
		}
	}
	if !r.KeyGiven {
		fmt.Fprintf(&b, "  %s\n", textOwnKey.in(language))
	}
	for _, f := range r.Findings {
		meaning, known := meanings[f.Code]
		fmt.Fprintf(&b, "- %s %d", textLine.in(language), f.Line)
		if f.Entry >= 0 {
			fmt.Fprintf(&b, ", %s %d", textEntry.in(language), f.Entry)
		}
		if known {
			fmt.Fprintf(&b, ": %s", meaning.in(language))
		}
		fmt.Fprintf(&b, " [%s] %s\n", f.Code, f.Message)
	}
	if more := r.Total - int64(len(r.Findings)); more > 0 {
		fmt.Fprintf(&b, "- %s: %d\n", textMore.in(language), more)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
