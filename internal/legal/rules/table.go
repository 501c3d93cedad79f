package rules

// The rules, in the order of the table.
const (
	POL1 ID = iota + 1
	ADM1
	PD1
	OP1
	GATE1
	SUB1
	SUB2
	CON1
	CON2
	CON3
	CON4
	PROV1
	QUAL1
	SCOPE1
	FLD0
	FLD1
	FLD2
	FLD3
	FLD4
	FLD5
	TECH1
	TECH2
	PUR1
	PUR2
	TERM1
	RCP1
	RCP2
	RCP3
	RCP4
	TERR1
	AGR1
	BAS1
	BAS2
	BAS3
	BAS4
	SEC1
	SEC2
	SEC3
	SEC4
	SEC5
	SEC6
	INC1
	SUBJ1
	QUAL2
	UPD1
	UPD2
	EXC1
	EXC2
	EXC3
	EXC4
	EXC5
	BLK1
	BLK2
	BLK3
	BLK4
	BLK5
	BLK6
	AUD1
	CLM1
	CLM2
	LOC1
	POL2
	POL3
	POL4
	POL5
	CNT1
	CLS1
	MIN1
	MIN2
	MIN3
)

var table = [...]Rule{
	{Name: "POL-1", Clause: "header", Level: Load, Text: Text{
		"саясат нұсқасының бұйрық нөмірі, күні, мәтін дайджесті және күшіне ену күні бар",
		"версия политики имеет номер и дату приказа, дайджест текста и дату вступления в силу",
		"a policy version has its order number and date, the digest of its text and the date it takes effect"}},
	{Name: "ADM-1", Clause: "1.1.1", Level: Run, Text: Text{
		"бағытты авторынан басқа екі әкімшілік қызметкері бекіткен, әр бекіту қол қойылған және осы мазмұнға қатысты",
		"маршрут утверждён двумя сотрудниками администрации, не автором; каждое утверждение подписано и относится к этому содержанию",
		"two members of the administration other than the author have approved the route; each approval is signed and is for this very content"}},
	{Name: "PD-1", Clause: "1.1.2", Level: Load, Text: Text{
		"әрбір жіберілетін өріс каталогта бар",
		"каждое передаваемое поле есть в каталоге",
		"every field that leaves is in the catalogue"}},
	{Name: "OP-1", Clause: "1.1.3", Level: Run, Text: Text{
		"операция жабық тізімнен алынған",
		"операция из закрытого списка",
		"the operation is one of the closed list"}},
	{Name: "GATE-1", Clause: "1.1.4", Level: Person, Text: Text{
		"келісім немесе заңды негіз бар; әйтпесе тыйым салынады",
		"есть действующее согласие или законное основание; иначе запрет",
		"there is a valid consent or a lawful ground; otherwise nothing leaves"}},
	{Name: "SUB-1", Clause: "1.1.5", Level: Person, Text: Text{
		"жол дәл бір тіркелген пайдаланушыға сәйкес",
		"строка соответствует ровно одному зарегистрированному пользователю",
		"a row is exactly one registered user"}},
	{Name: "SUB-2", Clause: "1.1.7", Level: Load, Text: Text{
		"ата-ананың телефоны — ата-ананың дерегі",
		"телефон родителя — данные родителя",
		"the parent's phone is the parent's datum"}},
	{Name: "CON-1", Clause: "2.1", Level: Person, Text: Text{
		"келісімнің алынғаны дәлелденеді; сайтқа кірудің өзі жеткіліксіз",
		"получение согласия доказуемо; одного посещения сайта недостаточно",
		"that consent was received can be proved; a visit of the site is not enough"}},
	{Name: "CON-2", Clause: "2.2", Level: Person, Text: Text{
		"аккаунт белсенді және келісім кері алынбаған",
		"аккаунт действует и согласие не отозвано",
		"the account is active and the consent is not withdrawn"}},
	{Name: "CON-3", Clause: "94-V 8(4)", Level: Person, Text: Text{
		"келісімде 8-баптың 4-тармағындағы барлық мәлімет бар",
		"согласие содержит все сведения пункта 4 статьи 8",
		"the consent has every part that art. 8(4) demands"}},
	{Name: "CON-4", Clause: "94-V 8(4)(7)", Level: Field, Text: Text{
		"өріс келісімдегі деректер тізімінде бар",
		"поле названо в перечне данных согласия",
		"the field is in the consent's list of data"}},
	{Name: "PROV-1", Clause: "2.3", Level: Load, Text: Text{
		"мән тек осы сайттағы профиль нысанынан алынған",
		"значение взято только из формы профиля этого сайта",
		"the value comes from this site's profile form only"}},
	{Name: "QUAL-1", Clause: "2.4", Level: Duty, Text: Text{
		"әр өріс «өзі мәлімдеген» не «тексерілген» деп белгіленеді",
		"каждое поле помечено «заявлено пользователем» или «проверено»",
		"each field is marked as self-declared or as verified by a source"}},
	{Name: "SCOPE-1", Clause: "3.1", Level: Load, Text: Text{
		"каталог — 3.2.1–3.2.6 тармақтары ғана",
		"каталог — только пункты 3.2.1–3.2.6",
		"the catalogue is 3.2.1 to 3.2.6 and nothing else"}},
	{Name: "FLD-0", Clause: "3.4", Level: Load, Text: Text{
		"каталогта жоқ өріске тыйым салынады",
		"поле вне каталога запрещено",
		"a field that is not in the catalogue is denied"}},
	{Name: "FLD-1", Clause: "3.2.1", Level: Load, Text: Text{
		"саясатта әкесінің аты жоқ, ол берілмейді",
		"отчества в политике нет, оно не передаётся",
		"the policy has no patronymic, so none leaves"}},
	{Name: "FLD-2", Clause: "3.2.2", Level: Load, Text: Text{
		"әр өрістің қажеттілігі жазбаша негізделген",
		"необходимость каждого поля обоснована письменно",
		"each field has a written note of necessity"}},
	{Name: "FLD-3", Clause: "3.2.3", Level: Load, Text: Text{
		"ЖСН-нен туған күн, жыныс, жас шығарылмайды",
		"дата рождения, пол и возраст из ИИН не выводятся",
		"no birth date, sex or age is derived from the IIN"}},
	{Name: "FLD-4", Clause: "3.2.5", Level: Person, Text: Text{
		"тұрғылықты жердің КАТО коды дұрыс",
		"код КАТО места верен",
		"the KATO code of the place is well formed"}},
	{Name: "FLD-5", Clause: "3.2.6", Level: Field, Text: Text{
		"ата-ана телефоны үшін сол ата-ананың келісімі қажет",
		"для телефона родителя нужно согласие этого родителя",
		"the parent's phone needs that parent's own consent"}},
	{Name: "TECH-1", Clause: "3.3", Level: Load, Text: Text{
		"техникалық деректер тұрақты бағытта берілмейді",
		"технические данные по регулярному маршруту не передаются",
		"technical data never leave on a scheduled route"}},
	{Name: "TECH-2", Clause: "3.3.2", Level: Run, Text: Text{
		"техникалық дерек білім беру органына берілмейді; тек өрісті атаған сұрау бойынша",
		"технические данные не передаются органу образования; только по запросу, назвавшему поле",
		"technical data go to no education recipient, and elsewhere only by a request that names the field"}},
	{Name: "PUR-1", Clause: "6.2.1", Level: Run, Text: Text{
		"мақсат 4-бөлімде, рұқсатта немесе заңда аталған",
		"цель названа в разделе 4, в разрешении или в законе",
		"the purpose is of section 4, named in the permission, or the law's"}},
	{Name: "PUR-2", Clause: "94-V 17", Level: Run, Text: Text{
		"статистика мен зерттеу үшін тек иесіздендірілген дерек",
		"для статистики и исследований — только обезличенные данные",
		"statistics and research get depersonalised data only"}},
	{Name: "TERM-1", Clause: "5.1", Level: Person, Text: Text{
		"келісімнің мерзімі бар және ол өтпеген",
		"согласие имеет срок, и он не истёк",
		"the consent has a term, and it has not ended"}},
	{Name: "RCP-1", Clause: "5.2", Level: Run, Text: Text{
		"алушы жабық тізімдегі мемлекеттік орган, БСН мен екі тілдегі атауы бар",
		"получатель — государственный орган из закрытого списка, с БИН и названиями на двух языках",
		"the recipient is a state body of the closed list, with BIN and names in two languages"}},
	{Name: "RCP-2", Clause: "5.2", Level: Load, Text: Text{
		"жүйе операторы алушы емес",
		"оператор системы не является получателем",
		"the operator of the recipient's system is not the recipient"}},
	{Name: "RCP-3", Clause: "5.2", Level: Run, Text: Text{
		"өзге мемлекеттік органға тек заң бойынша",
		"иному государственному органу — только по закону",
		"another state body receives by statute only"}},
	{Name: "RCP-4", Clause: "5.2", Level: Run, Text: Text{
		"алушы мен оның серверлері Қазақстанда",
		"получатель и его серверы находятся в Казахстане",
		"the recipient and its servers are in Kazakhstan"}},
	{Name: "TERR-1", Clause: "5.2", Level: Person, Text: Text{
		"жергілікті орган тек өз аумағының тұрғындарын алады",
		"местный орган получает только жителей своей территории",
		"a local body receives only the people of its territory"}},
	{Name: "AGR-1", Clause: "94-V 10(1)", Level: Run, Text: Text{
		"алушымен қолданыстағы екі тілді келісім бар",
		"с получателем есть действующее соглашение на двух языках",
		"there is an agreement with the recipient in force, in two languages"}},
	{Name: "BAS-1", Clause: "5.3", Level: Run, Text: Text{
		"негіз бен тәртіптің сілтемелері бар және күшінде",
		"ссылки на основание и порядок есть и действуют",
		"ground and procedure are cited, and both are in force"}},
	{Name: "BAS-2", Clause: "94-V 9", Level: Run, Text: Text{
		"келісімсіз беруге заң деңгейіндегі норма қажет; бұйрық жеткіліксіз",
		"для передачи без согласия нужна норма уровня закона; приказа недостаточно",
		"without consent the ground is a norm of the rank of a law; an order is not enough"}},
	{Name: "BAS-3", Clause: "5.3", Level: Run, Text: Text{
		"сұраудың барлық реквизиті бар, мерзімі өтпеген, екі адам бекіткен",
		"запрос имеет все реквизиты, срок не истёк, утверждён двумя лицами",
		"the request has all its particulars, has not expired, and two people have approved it"}},
	{Name: "BAS-4", Clause: "5.2, 5.3", Level: Run, Text: Text{
		"жол — келісім немесе заң; келісім жолында алушының құзырет нормасы көрсетілген",
		"путь — согласие или закон; на пути согласия указана норма компетенции получателя",
		"the path is consent or statute; on the consent path the recipient's competence is cited"}},
	{Name: "SEC-1", Clause: "5.4", Level: Run, Text: Text{
		"арна келісімде сілтемесімен аталған",
		"канал назван в соглашении со ссылкой",
		"the channel is named in the agreement, with its citation"}},
	{Name: "SEC-2", Clause: "5.4", Level: Run, Text: Text{
		"мемлекеттік жүйемен интеграция тек сыртқы шлюз арқылы",
		"интеграция с государственной системой — только через внешний шлюз",
		"a state system is integrated with through the external gateway only"}},
	{Name: "SEC-3", Clause: "5.4", Level: Duty, Text: Text{
		"пакетке қол қойылған, тасымал шифрланған, дене сақталмайды",
		"пакет подписан, передача зашифрована, тело не хранится",
		"the payload is signed, its way encrypted, its body not kept"}},
	{Name: "SEC-4", Clause: "5.4", Level: Duty, Text: Text{
		"журналға жазылмаса, жіберілмейді",
		"нет записи в журнале — нет отправки",
		"no log entry, no sending"}},
	{Name: "SEC-5", Clause: "5.4", Level: Duty, Text: Text{
		"операторға мәндер жасырын көрсетіледі",
		"оператору значения показываются скрытыми",
		"an operator sees values masked"}},
	{Name: "SEC-6", Clause: "6.2.3", Level: Duty, Text: Text{
		"қорғау шаралары талаптар кестесімен салыстырылған",
		"меры защиты сопоставлены с таблицей требований",
		"measures are mapped to the table of requirements"}},
	{Name: "INC-1", Clause: "5.5", Level: Duty, Text: Text{
		"қате жіберу күдігінде хабарлама мерзімі — келесі жұмыс күні",
		"при подозрении на ошибочную передачу срок уведомления — следующий рабочий день",
		"a suspected mis-delivery is notified by the next working day"}},
	{Name: "SUBJ-1", Clause: "5.5", Level: Duty, Text: Text{
		"пайдаланушы өзіне қатысты берулерді көреді",
		"пользователь видит передачи о себе",
		"a user sees the transfers about themselves"}},
	{Name: "QUAL-2", Clause: "6.1.1", Level: Duty, Text: Text{
		"жоқ мән толтырылмайды",
		"отсутствующее значение не додумывается",
		"a missing value stays missing"}},
	{Name: "UPD-1", Clause: "6.1.2", Level: Person, Text: Text{
		"дерек осы сәттегі нұсқада",
		"данные в редакции на этот момент",
		"the data are of the version current now"}},
	{Name: "UPD-2", Clause: "6.1.2", Level: Duty, Text: Text{
		"өзгеріс бұрынғы алушыларға түзету тудырады",
		"изменение порождает исправление прежним получателям",
		"a change makes a correction to earlier recipients"}},
	{Name: "EXC-1", Clause: "6.2.2", Level: Run, Text: Text{
		"ерекшелік тек 5.2, 5.3, 7.2 немесе жазбаша рұқсат",
		"исключение только 5.2, 5.3, 7.2 или письменное разрешение",
		"the exception is 5.2, 5.3, 7.2 or a written permission"}},
	{Name: "EXC-2", Clause: "6.2.2", Level: Person, Text: Text{
		"жазбаша рұқсат алушы мен мақсатты атайды және бұрын берілген",
		"письменное разрешение называет получателя и цель и дано заранее",
		"the written permission names recipient and purpose, and was given before"}},
	{Name: "EXC-3", Clause: "6.2.2", Level: Load, Text: Text{
		"сату, жариялау, айырбастау белгілері ешқашан қойылмайды",
		"признаки продажи, публикации, обмена невозможны",
		"sale, publication and barter are never true"}},
	{Name: "EXC-4", Clause: "6.2.2", Level: Run, Text: Text{
		"келісім одан әрі жариялауға және айырбасқа тыйым салады",
		"соглашение запрещает дальнейшее разглашение и обмен",
		"the agreement bans onward disclosure and barter"}},
	{Name: "EXC-5", Clause: "7.2", Level: Load, Text: Text{
		"7.2-тармақ автоматты бағытта қолданылмайды",
		"пункт 7.2 не применяется на автоматическом маршруте",
		"clause 7.2 is never used on an automatic route"}},
	{Name: "BLK-1", Clause: "6.2.4", Level: Person, Text: Text{
		"бұғатталған адамның дерегі берілмейді",
		"данные заблокированного лица не передаются",
		"a blocked person's data do not leave"}},
	{Name: "BLK-2", Clause: "6.2.4", Level: Duty, Text: Text{
		"бұғат таңдауда және жазба транзакциясында тексеріледі",
		"блокировка проверяется при отборе и в транзакции записи",
		"a block is checked at selection and in the transaction of the record"}},
	{Name: "BLK-3", Clause: "6.2.4", Level: Duty, Text: Text{
		"бұғат кезінде иесіздендіру, жинақтау, жою жоқ",
		"во время блокировки нет обезличивания, агрегирования, удаления",
		"while blocked nothing is depersonalised, aggregated or deleted"}},
	{Name: "BLK-4", Clause: "6.2.4", Level: Duty, Text: Text{
		"бұғат нәтижесі жазылады",
		"исход блокировки записывается",
		"the outcome of a block is recorded"}},
	{Name: "BLK-5", Clause: "6.2.4", Level: Field, Text: Text{
		"ата-ананың бұғаты оның телефонына таралады",
		"блокировка родителя распространяется на его телефон",
		"a parent's block covers their phone"}},
	{Name: "BLK-6", Clause: "6.2.4", Level: Duty, Text: Text{
		"бұғат кезіндегі талап автоматты орындалмайды",
		"требование во время блокировки не исполняется автоматически",
		"a demand during a block is never met automatically"}},
	{Name: "AUD-1", Clause: "7.1", Level: Duty, Text: Text{
		"шешім сақталған деректен қайта шығарылады",
		"решение воспроизводится из сохранённых данных",
		"a decision is re-derived from stored inputs"}},
	{Name: "CLM-1", Clause: "8.1", Level: Duty, Text: Text{
		"талап жазбаларды сақтауға алады",
		"претензия ставит записи на удержание",
		"a claim puts a hold on the records"}},
	{Name: "CLM-2", Clause: "8.2", Level: Duty, Text: Text{
		"талапқа жауап — 30 күнтізбелік күн",
		"ответ на претензию — 30 календарных дней",
		"a claim is answered in 30 calendar days"}},
	{Name: "LOC-1", Clause: "8.4", Level: Run, Text: Text{
		"сақтау орны Қазақстанда",
		"хранение в Казахстане",
		"storage is in Kazakhstan"}},
	{Name: "POL-2", Clause: "9.1", Level: Person, Text: Text{
		"өріс қабылданған және қолданыстағы каталогтардың екеуінде де бар",
		"поле есть и в принятом, и в действующем каталоге",
		"the field is in the catalogue accepted and in the one in force"}},
	{Name: "POL-3", Clause: "9.2", Level: Run, Text: Text{
		"кез келген сәтте саясаттың дәл бір нұсқасы күшінде",
		"в любой момент действует ровно одна версия политики",
		"exactly one version of the policy is in force at any instant"}},
	{Name: "POL-4", Clause: "9.2", Level: Person, Text: Text{
		"беру күшіндегі және қабылданған нұсқаларды көрсетеді",
		"передача называет действующую и принятую версии",
		"a transfer pins the version in force and the one accepted"}},
	{Name: "POL-5", Clause: "9.4", Level: Run, Text: Text{
		"жарияланған мәтін тіркелген мәтінге тең",
		"опубликованный текст равен зарегистрированному",
		"the published text is the registered one"}},
	{Name: "CNT-1", Clause: "9.3", Level: Load, Text: Text{
		"байланыс мекенжайы нақты доменде",
		"адрес для обращений на действительном домене",
		"the contact address is on the real domain"}},
	{Name: "CLS-1", Clause: "94-V 3(3)", Level: Run, Text: Text{
		"мемлекеттік құпия мен ҚБП белгісі бар дерек қабылданбайды",
		"государственные секреты и ДСП не принимаются",
		"state secrets and documents for official use only are refused"}},
	{Name: "MIN-1", Clause: "94-V 7(1)", Level: Person, Text: Text{
		"14 жасқа дейін заңды өкіл келіседі",
		"до 14 лет соглашается законный представитель",
		"for a person under 14 the legal representative consents"}},
	{Name: "MIN-2", Clause: "94-V 7(1)", Level: Person, Text: Text{
		"14–17 жаста өзі де, заңды өкілі де келіседі",
		"в 14–17 лет соглашаются сам и законный представитель",
		"from 14 to 17 both the person and the representative consent"}},
	{Name: "MIN-3", Clause: "94-V 7(1)", Level: Person, Text: Text{
		"жасын анықтау үшін ЖСН дұрыс",
		"ИИН верен, чтобы определить возраст",
		"the IIN is well formed, so that the age can be told"}},
}
