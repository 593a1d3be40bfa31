"""The words of many languages in lists of subscribers: data for `states` and `headings`.

Separated by semicolons where a word may have blanks; upper case, accents and hyphens do not count.
"""
# ruff: noqa: E501, RUF001, SIM905

from digest.subscribers.importing.causes import Cause

ACTIVE = """
active; subscribed; enabled; confirmed; opted in; opt in; optin; double opt in; single opt in;
double optin; single optin; ok; regular; free; paid; comped; complimentary; premium; gifted;
express; implicit; implied; whitelisted; allowlisted; subscriber; valid; verified; deliverable;
aktiv; abonniert; angemeldet; eingetragen; bestatigt; abonnent; freigegeben;
actif; active; actifs; abonne; abonnee; inscrit; inscrite; confirme; confirmee;
activo; activa; suscrito; suscrita; suscripto; suscripta; confirmado; confirmada; inscrito;
inscrita; habilitado; habilitada;
attivo; attiva; iscritto; iscritta; confermato; confermata; abbonato; abbonata; abilitato;
actief; geabonneerd; ingeschreven; aangemeld; bevestigd; ingeschakeld;
ativo; ativa; assinante; assinado; subscrito; subscrita;
aktywny; aktywna; zapisany; zapisana; subskrybuje; potwierdzony; potwierdzona;
prenumererar; prenumerant; bekraftad; aktiverad; abonnerer; tilmeldt; bekraeftet; pameldt;
bekreftet; aktiivinen; tilaaja; tilannut; vahvistettu; aktivni; odebira; prihlasen;
aktif; abone; onayli; activ; abonat; feliratkozott; energos;
активен; активна; активный; активная; подписан; подписана; подтвержден; подтверждена;
активний; підписаний; підписана; підтверджений;
有効; 購読中; 登録済み; 已订阅; 已訂閱; 活跃; 活躍; 已确认; 구독 중; 구독중; 구독함; 활성;
פעיל; פעילה; רשום; רשומה; מנוי; נרשם; מאושר; مشترك; نشط; فعال; مؤكد
"""
# Words that say more about the person than about being mailed: they make no column one of states.
PLANS = frozenset(
    "ok valid verified deliverable regular free paid comped complimentary premium gifted express implicit implied".split()
)
TERMS = {
    Cause.UNSUBSCRIBED: """
unsubscribed; unsubscribe; unsub; unsubbed; opted out; opt out; optout; optedout; left; signed off;
cancelled; canceled; resigned; withdrawn; do not email; do not mail; do not contact; removed;
abgemeldet; ausgetragen; abbestellt; gekundigt; desabonne; desabonnee; desinscrit; desinscrite;
desuscrito; desuscrita; dado de baja; dada de baja; baja; no suscrito; anulado; disiscritto;
disiscritta; non iscritto; cancellato; cancellata; afgemeld; uitgeschreven; opgezegd; cancelado;
cancelada; descadastrado; descadastrada; desinscrito; desinscrita; wypisany; wypisana; avregistrerad;
avprenumererad; avsluttet; afmeldt; avmeldt; peruutettu; odhlasen; abonelikten cikti; leiratkozott;
отписан; отписана; отписался; відписаний; 購読解除; 配信停止; 退会; 退订; 已退订; 取消订阅; 已取消订阅;
退訂; 구독 취소; 구독취소; 수신거부; הוסר; לא רשום; בוטל; ألغى الاشتراك; غير مشترك; إلغاء الاشتراك
""",
    Cause.BOUNCED: """
bounced; bounce; hard bounce; hard bounced; hardbounce; hardbounced; soft bounce; soft bounced;
cleaned; undeliverable; undelivered; invalid; invalid email; does not exist; mailbox full;
unzustellbar; bereinigt; zuruckgewiesen; ungultig; nettoye; nettoyee; rejete; rejetee; rebotado;
rebotada; rebote; depurado; rimbalzato; rimbalzata; ripulito; teruggestuurd; opgeschoond;
devolvido; limpo; odrzucony; недоставлен; недействителен; バウンス; 退回; 已清理; 반송; חזר; مرتد
""",
    Cause.COMPLAINED: """
complained; complaint; complainer; spam; junk; abuse; spam complaint; spam report; reported spam;
reported as spam; marked as spam; marked spam; spammer; beschwerde; beschwert; als spam markiert;
spam gemeldet; plainte; indesirable; marque comme spam; queja; denunciado; marcado como spam;
segnalato come spam; klacht; gemarkeerd als spam; reclamacao; skarga; спам; жалоба; 迷惑メール; 投诉
""",
    Cause.BLOCKED: """
blocked; blocklisted; block listed; blacklisted; black listed; denylisted; disabled; suppressed;
banned; email disabled; excluded; rejected; deactivated; suspended; quarantined; blockiert; gesperrt;
deaktiviert; unterdruckt; bloque; bloquee; desactive; desactivee; bloqueado; bloqueada;
deshabilitado; desactivado; bloccato; bloccata; disattivato; disattivata; geblokkeerd;
uitgeschakeld; desativado; zablokowany; заблокирован; отключен; ブロック; 無効; 已屏蔽; 黑名单; 차단;
חסום; محظور; معطل
""",
    Cause.DELETED: """
deleted; removed; archived; erased; trashed; forgotten; permanently deleted; geloscht; entfernt;
archiviert; supprime; supprimee; efface; archive; eliminado; eliminada; borrado; archivado;
eliminato; eliminata; archiviato; verwijderd; gearchiveerd; excluido; excluida; removido; arquivado;
usuniety; удален; удалена; 削除済み; 已删除; 삭제됨; נמחק; محذوف
""",
    Cause.UNCONFIRMED: """
unconfirmed; not confirmed; pending; unactivated; not activated; awaiting confirmation; waiting;
unverified; not verified; validating; needs confirmation; needs approval; needs attention;
non subscribed; nonsubscribed; not subscribed; never subscribed; transactional; no permission set;
awaiting opt in; opt in pending; double opt in pending; unbestatigt; nicht bestatigt; ausstehend;
nicht abonniert; wartend; non confirme; non confirmee; en attente; pendiente; sin confirmar;
no confirmado; non confermato; in attesa; niet bevestigd; onbevestigd; in afwachting; pendente;
nao confirmado; niepotwierdzony; oczekujacy; не подтвержден; неподтвержден; ожидает; 未確認; 保留中;
未确认; 待确认; 대기 중; 미확인; ממתין; לא מאושר; قيد الانتظار; غير مؤكد
""",
    Cause.INACTIVE: """
inactive; paused; dormant; expired; lapsed; cold; churned; unengaged; sleeping; inaktiv; ruhend;
inactif; inactive; inactivo; inactiva; inattivo; inattiva; inactief; inativo; inativa; nieaktywny;
неактивен; неактивный; 非アクティブ; 非活跃; 비활성; לא פעיל; غير نشط
""",
}
# The beginnings and parts of longer texts that name a state ("Bounced (hard) on 3 May").
PARTS = {
    Cause.COMPLAINED: r"complain|spam|abuse|junk|beschwer|plainte",
    Cause.BOUNCED: r"bounc|\bclean|undeliver|unzustell|bereinigt|rebot",
    Cause.BLOCKED: r"block|blacklist|suppress|disabl|gesperrt|bloque|bloqu|blocc|banned",
    Cause.UNCONFIRMED: r"unconfirm|not confirm|pending|unverif|never subscr|unbestat",
    Cause.UNSUBSCRIBED: (
        r"unsub|opt(ed)? ?out|abgemeldet|desabon|desinscri|desuscri|disiscri|afgemeld|uitgeschreven"
        r"|отпис|cancel"
    ),
    Cause.DELETED: r"delet|remov|erased|archiv|gelosch|supprim|elimin",
}
YES = frozenset(
    "true yes y 1 1.0 t on x ✓ ✔ ☑ checked ja oui si sim da sí igen tak evet kylla wahr vrai verdadero "
    "vero да так 是 はい 예 כן نعم granted given agreed accepted allowed opted-in".split()
)
NO = frozenset(
    "false no n 0 0.0 f off nein non não nao nie nej nei ne hayir ei falsch faux falso never nie none "
    "null nil nan n/a nee нет ні 否 いいえ 아니요 לא لا [] {} () ☐ unchecked nothing na #n/a denied declined refused revoked withdrawn disallowed opted-out".split()
)
# They name a state, and other things too: below a heading that is not about states they say nothing.
AMBIGUOUS = (
    "left; removed; invalid; junk; spam; abuse; complaint; pending; waiting; baja; cancelled; canceled;"
    "cancelado; cancelada; cancellato; cancellata; anulado; ausstehend; en attente; pendiente; limpo;"
    "pendente; in attesa; resigned; withdrawn; transactional; ожидает; жалоба; queja; klacht; plainte;"
    "validating; needs attention; needs approval; wartend; bounce; rebote; bloque; gekundigt; odrzucony;"
    "退会; 退回; בוטל; הוסר; ממתין; חזר; מרתד; retire; devolvido; ripulito; depurado; beschwerde; opgezegd"
)
HEADINGS = {
    "email": (
        "email e-mail mail emailaddress e-mail-address mailaddress address subscriber "
        "subscriberemail contactemail useremail memberemail primaryemail "
        "emailadresse e-mail-adresse mailadresse courriel adressemail adressee-mail adresseemail "
        "adressedemessagerie adresseélectronique "
        "correo correoelectrónico correoelectronico direccióndecorreoelectrónico "
        "direccióndecorreo direccióndeemail indirizzoemail indirizzodiposta "
        "indirizzodipostaelettronica posta e-mailadres emailadres mailadres "
        "epost e-post epostadress e-postadress e-postadresse sähköposti adrese-mail "
        "correioeletrónico correioeletrônico correioeletronico endereçodeemail endereçodee-mail "
        "почта электроннаяпочта адресэлектроннойпочты email地址 电子邮件 电子邮件地址 邮箱 "
        "電子メール メール メールアドレス eメール 이메일 이메일주소 אימייל דואראלקטרוני "
        "כתובתאימייל البريدالإلكتروني adrese-mail e-mailcím adresae-mail e-postaadresi eposta"
    ),
    "name": (
        "name fullname displayname yourname subscribername contactname nom nomcomplet "
        "nombrecompleto nome nomecompleto naam volledigenaam "
        "namn navn nimi vollständigername имя 姓名 名前 氏名 이름 שם שםמלא الاسم imięinazwisko"
    ),
    "first_name": (
        "firstname first fname givenname forename vorname prénom prenom nombre nombres "
        "primeiro primeironome voornaam förnamn fornavn etunimi imię שםפרטי الاسمالأول"
    ),
    "last_name": (
        "lastname last lname surname familyname nachname familienname nomdefamille apellido "
        "apellidos cognome sobrenome apelido achternaam efternamn etternavn efternavn sukunimi "
        "фамилия nazwisko שםמשפחה اسمالعائلة"
    ),
    "tags": "tags tag labels étiquettes etiquetas schlagworte schlagwörter etichette теги תגיות وسوم",
}
STATE_HEADINGS = (
    "status state statut stato estado etat zustand statustext staat situacao estatus stan tila stav "
    "durum статус состояние состояние ステータス 状態 状态 狀態 상태 סטטוס מצב الحالة حالة"
)
STOPPED_HEADINGS = (
    r"unsub|suspend|quarantin|\binactive\b|opt(ed|s|ing)? ?out|optout|bounce|complain|abuse|spam|junk|block ?list|black ?list|blocked"
    r"|suppress|clean time|clean campaign|cleaned|clean date|disabled|deactivat|delet|removed|undeliver"
    r"|do ?not ?(e ?)?mail|do ?not ?contact|no ?mail\b|invalid|archived|excluded|excludedfrom|rejected"
    r"|\bleft at|\bdnc\b|banned|isunsub|subscription ended|unconfirmed"
    r"|abgemeldet|abmeld|austrag|ausgetragen|abbestell|gesperrt|sperrdatum|geloscht|loschdatum"
    r"|unzustellbar|desabon|desinscri|supprime|bloque|rejet|desuscri|de baja|^baja|cancelacion de la sus"
    r"|rebot|eliminad|disiscri|cancellazione|cancellat|bloccat|descadastr|cancelamento|excluid|afgemeld"
    r"|afmeld|uitgeschreven|uitschrijf|geblokkeerd|verwijderd|wypisan|отпис|заблокир|удален|購読解除|配信停止"
    r"|退会|退订|取消订阅|구독취소|수신거부|הוסר|ביטול|إلغاء"
)
# A heading with one of these words beside "status" speaks of being mailed.
ABOUT_MAIL = (
    r"e ?mail|mail|subscri|list|global|member|contact|opt|marketing|consent|newsletter|deliver"
    r"|permission|abo|kontakt|anmelde|mitglied|profil|suscri|iscri|inscri|assina|prenum|konto|user"
    r"|lists|mailing|audience|recipient|empfanger|подпис|購読|订阅|구독|מנוי|اشتراك"
)
# Such a column is about something else, whatever its cells say.
NOT_ABOUT_MAIL = (
    r"payment|stripe|billing|invoice|order|plan\b|plans|tier|trial|sms|phone|whatsapp|push|marital|social"
    r"|active subscription|subscription type|facebook|premium|paid|purchase|shipping|telefon|zahlung"
)
# Links, tokens and counts that stand in such columns are not answers.
NOT_AN_ANSWER = (
    r"\b(url|link|token|hash|count|counts|rate|score|number|soft|ip|key|total|code|page|anzahl)\b"
    r"|^(bounces|soft ?bounces?)$|softbounce|bouncecount|spam ?score|spam ?rating|lien|enlace"
)
ALLOWED_HEADINGS = (
    r"^(is )?(email |mail |newsletter )?"
    r"(subscribed|active|enabled|confirmed|verified|opt ?in|opted ?in|double ?opt ?in|abonniert|angemeldet"
    r"|aktiv|bestatigt|abonne|inscrit|confirme|actif|suscrito|confirmado|activo|iscritto|confermato|attivo"
    r"|geabonneerd|ingeschreven|bevestigd|actief|inscrito|ativo|assinante|подписан|aktywny|aktiv)$"
    r"|^(is ?)?(subscribed|active|enabled|confirmed|verified|opted ?in)$"
    r"|subscribed to e ?mails?|accepts|accept marketing|email opt ?in|marketing opt ?in|may be (e)?mailed|can (e)?mail"
    r"|receives? (e ?mails?|newsletters?)|wants? (e ?mails?|newsletters?)|marketing allowed"
    r"|(e ?mail|marketing).*(consent|permission)|acepta|accepte|akzeptiert|accetta|aceita"
)
# About being mailed if the cells say yes or no.
QUESTIONS = (
    r"newsletter|consent|permission|marketing|mailing|subscri|opt|erlaubnis|einwilligung|zustimmung"
    r"|consentement|autoris|permiso|consentimiento|consenso|toestemming|e ?mails?$|gdpr|dsgvo|rgpd|enabled"
)
PLACES = (
    r"\b(city|town|zip|postal|postcode|zipcode|country|street|address line|address ?1|province|county"
    r"|stadt|ort|plz|land|strasse|ville|pays|ciudad|pais|codigo postal|citta|cap|cidade|cep|stad)\b"
)
