package rules

// The reasons. A rule that holds has none.
const (
	WhyMarkedSecret             Reason = "marked_secret"
	WhyUnknownRoute             Reason = "unknown_route"
	WhyRecipientUnfit           Reason = "recipient_unfit"
	WhyStatuteOnly              Reason = "statute_only"
	WhyForeign                  Reason = "foreign"
	WhyNoAgreement              Reason = "no_agreement"
	WhyAgreementOutOfForce      Reason = "agreement_out_of_force"
	WhyAgreementLanguage        Reason = "agreement_language"
	WhyNoUndertaking            Reason = "no_undertaking"
	WhyOnwardNotBanned          Reason = "onward_not_banned"
	WhySuspended                Reason = "suspended"
	WhyNotApproved              Reason = "not_approved"
	WhyChannelOther             Reason = "channel_other"
	WhyChannelNotNamed          Reason = "channel_not_named"
	WhyChannelNotGateway        Reason = "channel_not_gateway"
	WhyNoPolicy                 Reason = "no_policy"
	WhyBackdatingNotApproved    Reason = "backdating_not_approved"
	WhyPublishedTextDiffers     Reason = "published_text_differs"
	WhyPublishedTextUnchecked   Reason = "published_text_unchecked"
	WhyCitationOutOfForce       Reason = "citation_out_of_force"
	WhyGroundNotLaw             Reason = "ground_not_law"
	WhyNoFreeItem               Reason = "no_free_item"
	WhyExampleAct               Reason = "example_act"
	WhyNoCompetence             Reason = "no_competence"
	WhyPathUnknown              Reason = "path_unknown"
	WhyExceptionUnfit           Reason = "exception_unfit"
	WhyPurposeUnfit             Reason = "purpose_unfit"
	WhyStatisticsNeedAggregates Reason = "statistics_need_aggregates"
	WhyRequestMissing           Reason = "request_missing"
	WhyRequestUnexpected        Reason = "request_unexpected"
	WhyRequestOtherRoute        Reason = "request_other_route"
	WhyRequestIncomplete        Reason = "request_incomplete"
	WhyRequestExpired           Reason = "request_expired"
	WhyRequestNotApproved       Reason = "request_not_approved"
	WhyRequestFilter            Reason = "request_filter"
	WhyNothingPermitted         Reason = "nothing_permitted"
	WhyOtherColumns             Reason = "other_columns"
	WhyNotRegistered            Reason = "not_registered"
	WhyBlocked                  Reason = "blocked"
	WhyParentBlocked            Reason = "parent_blocked"
	WhyHeld                     Reason = "held"
	WhyOperationUnknown         Reason = "operation_unknown"
	WhyAccountUnknown           Reason = "account_unknown"
	WhyAccountClosed            Reason = "account_closed"
	WhyAccountDisagreed         Reason = "account_disagreed"
	WhyAccountWithdrawn         Reason = "account_withdrawn"
	WhyAccountErased            Reason = "account_erased"
	WhyConsentMissing           Reason = "consent_missing"
	WhyConsentUnprovable        Reason = "consent_unprovable"
	WhyConsentUndated           Reason = "consent_undated"
	WhyConsentWithdrawn         Reason = "consent_withdrawn"
	WhyConsentExpired           Reason = "consent_expired"
	WhyConsentNoTerm            Reason = "consent_no_term"
	WhyConsentNotYet            Reason = "consent_not_yet"
	WhyConsentOtherOperator     Reason = "consent_other_operator"
	WhyConsentSubjectUnnamed    Reason = "consent_subject_unnamed"
	WhyConsentThirdParties      Reason = "consent_third_parties"
	WhyConsentSilent            Reason = "consent_silent"
	WhyConsentNoList            Reason = "consent_no_list"
	WhyGiverUnknown             Reason = "giver_unknown"
	WhyRecipientUnnamed         Reason = "recipient_unnamed"
	WhyPurposeUnnamed           Reason = "purpose_unnamed"
	WhyPolicyUnknown            Reason = "policy_unknown"
	WhyPolicyLater              Reason = "policy_later"
	WhyAgeUnknown               Reason = "age_unknown"
	WhyRepresentativeMissing    Reason = "representative_missing"
	WhyOwnConsentMissing        Reason = "own_consent_missing"
	WhyPlaceUnknown             Reason = "place_unknown"
	WhyOutsideTerritory         Reason = "outside_territory"
	WhyNotCurrent               Reason = "not_current"
	WhyNotRequested             Reason = "not_requested"
	WhyTermsTooMany             Reason = "terms_too_many"
	WhyNotInCatalogue           Reason = "not_in_catalogue"
	WhyNotOnRoute               Reason = "not_on_route"
	WhyWithheld                 Reason = "withheld"
	WhyNotInRequest             Reason = "not_in_request"
	WhyNotNamedByLaw            Reason = "not_named_by_law"
	WhyNeverDerived             Reason = "never_derived"
	WhyNoPatronymic             Reason = "no_patronymic"
	WhyTechnicalData            Reason = "technical_data"
	WhyNotAccepted              Reason = "not_accepted"
	WhyNotInConsent             Reason = "not_in_consent"
	WhyParentNotConsented       Reason = "parent_not_consented"
)

var reasons = map[Reason]Text{
	WhyMarkedSecret:             {"құпия немесе ҚБП белгісі бар", "есть гриф секретности или ДСП", "marked as secret or for official use only"},
	WhyUnknownRoute:             {"мұндай бағыт тіркелмеген", "такой маршрут не зарегистрирован", "no such route is registered"},
	WhyRecipientUnfit:           {"алушының сипаты толық емес", "описание получателя неполно", "the recipient's entry is incomplete"},
	WhyStatuteOnly:              {"бұл органға тек заң бойынша беріледі", "этому органу передают только по закону", "this body receives by statute only"},
	WhyForeign:                  {"алушы не сервер Қазақстаннан тыс", "получатель или сервер вне Казахстана", "the recipient or its server is outside Kazakhstan"},
	WhyNoAgreement:              {"келісім жоқ", "соглашения нет", "there is no agreement"},
	WhyAgreementOutOfForce:      {"келісім күшінде емес", "соглашение не действует", "the agreement is not in force"},
	WhyAgreementLanguage:        {"келісім екі тілде емес", "соглашение не на двух языках", "the agreement is not in both languages"},
	WhyNoUndertaking:            {"алушы міндеттерді өзіне алмаған", "получатель не принял обязанностей", "the recipient has not assumed the law's duties"},
	WhyOnwardNotBanned:          {"әрі қарай жариялауға немесе айырбасқа тыйым жоқ", "нет запрета дальнейшего разглашения или обмена", "onward disclosure or barter is not banned"},
	WhySuspended:                {"бағыт тоқтатылған", "маршрут приостановлен", "the route is suspended"},
	WhyNotApproved:              {"осы мазмұнға екі бекіту жоқ", "нет двух утверждений этого содержания", "this content does not have two approvals"},
	WhyChannelOther:             {"коннектор басқа арнамен жібереді", "коннектор отправляет по другому каналу", "the connector sends over another channel"},
	WhyChannelNotNamed:          {"келісім бұл арнаны атамайды", "соглашение не называет этот канал", "the agreement does not name this channel"},
	WhyChannelNotGateway:        {"мемлекеттік жүйеге тек шлюз арқылы", "в государственную систему только через шлюз", "a state system is reached through the gateway only"},
	WhyNoPolicy:                 {"күшінде саясат нұсқасы жоқ", "нет действующей версии политики", "no version of the policy is in force"},
	WhyBackdatingNotApproved:    {"ертерек күн екі адаммен бекітілмеген", "более ранняя дата не утверждена двумя лицами", "the earlier date is not approved by two people"},
	WhyPublishedTextDiffers:     {"сайттағы мәтін тіркелгеннен өзгеше", "текст на сайте отличается от зарегистрированного", "the text on the site is not the registered one"},
	WhyPublishedTextUnchecked:   {"сайттағы мәтін тексерілмеді", "текст на сайте не проверялся", "the text on the site was not looked at"},
	WhyCitationOutOfForce:       {"сілтеме күшінде емес", "ссылка не действует", "a citation is not in force"},
	WhyGroundNotLaw:             {"негіз заң деңгейінде емес", "основание ниже уровня закона", "the ground is below the rank of a law"},
	WhyNoFreeItem:               {"9-баптың тармағы көрсетілмеген", "не указан пункт статьи 9", "no item of art. 9 is cited"},
	WhyExampleAct:               {"акт — мысал, нақты қолдануға жарамайды", "акт — пример, для работы не годится", "the act is an example"},
	WhyNoCompetence:             {"құзырет нормасы жоқ", "нет нормы компетенции", "no competence norm is cited"},
	WhyPathUnknown:              {"жол белгісіз", "путь неизвестен", "the path is unknown"},
	WhyExceptionUnfit:           {"ерекшелік бұл жолға сай емес", "исключение не подходит к пути", "the exception does not fit the path"},
	WhyPurposeUnfit:             {"мақсат бұл жолға сай емес", "цель не подходит к пути", "the purpose does not fit the path"},
	WhyStatisticsNeedAggregates: {"тек жиынтық дерек беріледі", "передаются только агрегаты", "only aggregates may leave"},
	WhyRequestMissing:           {"жазбаша сұрау жоқ", "нет письменного запроса", "there is no written request"},
	WhyRequestUnexpected:        {"тұрақты бағытта сұрау болмайды", "у регулярного маршрута запроса нет", "a scheduled route answers no request"},
	WhyRequestOtherRoute:        {"сұрау басқа бағытқа арналған", "запрос относится к другому маршруту", "the request is for another route"},
	WhyRequestIncomplete:        {"сұрау реквизиттері толық емес", "реквизиты запроса неполны", "the request lacks particulars"},
	WhyRequestExpired:           {"сұраудың мерзімі өткен не басталмаған", "срок запроса истёк или не наступил", "the request has expired or is not yet dated"},
	WhyRequestFilter:            {"сұрау адамдарды жіберілетін орын өрісі бойынша емес таңдайды", "запрос отбирает людей не по передаваемому полю места", "the request chooses people by something else than a field of a place that may leave"},
	WhyRequestNotApproved:       {"сұрауды екі басқа адам бекітпеген", "запрос не утверждён двумя другими лицами", "two people other than the initiator have not approved the request"},
	WhyNothingPermitted:         {"жіберуге рұқсат етілген өріс жоқ", "нет ни одного разрешённого поля", "no field is permitted"},
	WhyOtherColumns:             {"оқылған бағандар рұқсат етілгендерге сай емес", "прочитаны не те столбцы", "the columns read are not the permitted ones"},
	WhyNotRegistered:            {"жол бір тіркелген пайдаланушы емес", "строка не одного зарегистрированного пользователя", "the row is not one registered user"},
	WhyBlocked:                  {"адам бұғатталған", "лицо заблокировано", "the person is blocked"},
	WhyParentBlocked:            {"ата-ана (қамқоршы) бұғатталған", "родитель (опекун) заблокирован", "the parent is blocked"},
	WhyHeld:                     {"шағым бойынша адамның жазбалары сақталады", "записи лица сохраняются из-за претензии", "the person's records are kept because of a claim"},
	WhyOperationUnknown:         {"мұндай операция жоқ", "такой операции нет", "there is no such operation"},
	WhyAccountUnknown:           {"аккаунт күйі белгісіз", "состояние аккаунта неизвестно", "the state of the account is unknown"},
	WhyAccountClosed:            {"аккаунт жабылған", "аккаунт закрыт", "the account is closed"},
	WhyAccountDisagreed:         {"адам келіспеген", "лицо не согласилось", "the person has disagreed"},
	WhyAccountWithdrawn:         {"келісім кері алынған", "согласие отозвано", "the person has withdrawn"},
	WhyAccountErased:            {"деректер жойылған", "данные уничтожены", "the data are erased"},
	WhyConsentMissing:           {"келісім жоқ", "согласия нет", "there is no consent"},
	WhyConsentUnprovable:        {"келісімді дәлелдеу мүмкін емес", "согласие недоказуемо", "the consent cannot be proved"},
	WhyConsentUndated:           {"келісімнің күні жоқ", "у согласия нет даты", "the consent has no date"},
	WhyConsentWithdrawn:         {"келісім кері алынған", "согласие отозвано", "the consent is withdrawn"},
	WhyConsentExpired:           {"келісімнің мерзімі өткен", "срок согласия истёк", "the consent has expired"},
	WhyConsentNoTerm:            {"келісімнің мерзімі жоқ", "у согласия нет срока", "the consent has no term"},
	WhyConsentNotYet:            {"келісім әлі берілмеген", "согласие ещё не дано", "the consent is not yet given"},
	WhyConsentOtherOperator:     {"келісімде басқа оператор", "в согласии другой оператор", "the consent names another operator"},
	WhyConsentSubjectUnnamed:    {"келісімде субъект аталмаған", "субъект в согласии не назван", "the consent does not name its subject"},
	WhyConsentThirdParties:      {"үшінші тұлғаларға беруге рұқсат жоқ", "передача третьим лицам не разрешена", "the consent does not permit third parties"},
	WhyConsentSilent:            {"шекарадан тыс беру не жариялау туралы айтылмаған", "о трансграничной передаче или публикации не сказано", "the consent is silent on cross-border transfer or publication"},
	WhyConsentNoList:            {"деректер тізімі жоқ", "нет перечня данных", "the consent has no list of data"},
	WhyGiverUnknown:             {"келісімді кім бергені белгісіз", "неизвестно, кто дал согласие", "it is not known who gave the consent"},
	WhyRecipientUnnamed:         {"келісімде алушы аталмаған", "получатель в согласии не назван", "the consent does not name the recipient"},
	WhyPurposeUnnamed:           {"келісімде мақсат аталмаған", "цель в согласии не названа", "the consent does not name the purpose"},
	WhyPolicyUnknown:            {"қабылданған саясат нұсқасы белгісіз", "принятая версия политики неизвестна", "the accepted version of the policy is unknown"},
	WhyPolicyLater:              {"келісім саясаттан бұрын берілген", "согласие дано до вступления версии в силу", "the consent is older than the version it accepts"},
	WhyAgeUnknown:               {"ЖСН бойынша жас анықталмайды", "возраст по ИИН не определяется", "the age cannot be told from the IIN"},
	WhyRepresentativeMissing:    {"заңды өкілдің келісімі жоқ", "нет согласия законного представителя", "the representative's consent is missing"},
	WhyOwnConsentMissing:        {"адамның өз келісімі жоқ", "нет собственного согласия", "the person's own consent is missing"},
	WhyPlaceUnknown:             {"тұрғылықты жері белгісіз", "место жительства неизвестно", "the place is unknown"},
	WhyOutsideTerritory:         {"тұрғылықты жері аумақтан тыс", "место вне территории", "the place is outside the territory"},
	WhyNotCurrent:               {"дерек нұсқасы болашақ уақытпен белгіленген", "редакция данных датирована будущим", "the data are dated in the future"},
	WhyNotRequested:             {"сұрауда бұл адам аталмаған", "запрос не называет это лицо", "the request does not name this person"},
	WhyTermsTooMany:             {"келісім түрлері тым көп", "слишком много видов согласий", "there are too many kinds of consents"},
	WhyNotInCatalogue:           {"саясат каталогында жоқ", "нет в каталоге политики", "not in the policy's catalogue"},
	WhyNotOnRoute:               {"бағытта қажеттілік негіздемесі жоқ", "на маршруте нет обоснования необходимости", "the route has no note of necessity for it"},
	WhyWithheld:                 {"әкімшілік уақытша алып тастаған", "временно снято администрацией", "taken out by the administration"},
	WhyNotInRequest:             {"сұрауда аталмаған", "не названо в запросе", "the request does not name it"},
	WhyNotNamedByLaw:            {"заң нормасында аталмаған", "не названо нормой закона", "the norm does not name it"},
	WhyNeverDerived:             {"ЖСН-нен ешқандай дерек шығарылмайды", "из ИИН ничего не выводится", "nothing is derived from the IIN"},
	WhyNoPatronymic:             {"саясатта әкесінің аты жоқ", "в политике нет отчества", "the policy has no patronymic"},
	WhyTechnicalData:            {"техникалық дерек", "технические данные", "technical data"},
	WhyNotAccepted:              {"адам қабылдаған нұсқада жоқ", "нет в принятой лицом версии", "not in the version that the person accepted"},
	WhyNotInConsent:             {"келісімдегі тізімде жоқ", "нет в перечне согласия", "not in the consent's list"},
	WhyParentNotConsented:       {"ата-ананың өз дерегіне келісімі жоқ", "родитель не согласился на свои данные", "the parent has not consented for their own data"},
}
