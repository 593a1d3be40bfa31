"""Replies that hedge, in nine languages, and hedges around all that says somebody is gone."""

from itertools import product

import pytest

from digest.bounces.reading.doubts import asserted
from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand

# Conditions, alternatives, other times, faults, reasons that pass, other servers, strangers.
_HEDGED = """
We bounce mail when the user is unknown, yours was refused by a filter
Refused. If the mailbox does not exist you will get another report
Mail is only rejected here if no such user exists
We answer "user unknown" whenever the recipient is not reachable in time
Wenn der Benutzer unbekannt ist, erhalten Sie eine weitere Meldung
Si l'utilisateur est inconnu, un autre avis suivra
Si el usuario no existe recibirá otro aviso
Se l'utente è sconosciuto riceverà un altro avviso
Jeśli użytkownik nie istnieje, otrzymasz osobny komunikat
Als de gebruiker onbekend is, volgt een ander bericht
User exists, but no such user may receive mail from abroad
The mailbox is valid; user unknown is what we tell strangers
This does not mean that the user is unknown
The account is active again, it had been closed by mistake
Invalid recipient or message refused by the administrator
Mailbox unavailable or over its limits
Account inactive or busy
unknown user or service denied
Benutzer unbekannt oder Annahme verweigert
Boîte inconnue ou pleine
Cuenta inexistente o sin permiso
Utente inesistente o casella satura
Usuário inexistente ou sem permissão
Gebruiker onbekend of toegang geweigerd
Nieznany użytkownik lub brak miejsca
Пользователь не найден или доступ запрещен
mailbox closed until Monday
Account suspended for 24 hours
User not found tonight, the directory is reloaded at 3 am
Address disabled over the weekend
account deactivated during the holidays
Postfach bis Montag geschlossen
Konto heute gesperrt
Compte fermé jusqu'à lundi
Cuenta desactivada hasta el lunes
Casella chiusa fino a lunedì
Conta encerrada até segunda-feira
Postvak gesloten tot maandag
Konto zablokowane do poniedziałku
Почтовый ящик закрыт до понедельника
User unknown, the account will be opened shortly
mailbox not found: it is in the course of being set up
account was closed by mistake and has been reopened
Benutzer noch nicht angelegt, Postfach nicht gefunden
Compte inexistant pour l'instant
El buzón aún no existe
Casella non ancora attivata
A caixa ainda não existe
recipient not found: LDAP bind error
No such user (backend returned an error)
user unknown: cannot open the passwd file
mailbox not found, storage node offline
Empfänger nicht gefunden, Verzeichnisdienst ausgefallen
Destinataire introuvable : annuaire hors service
Usuario no encontrado: fallo del directorio
Utente non trovato per un guasto della rubrica
Mailbox closed for your organisation
User unknown to senders outside the company
no such user for clients on dynamic addresses
account disabled by its owner for mass mail
The recipient no longer accepts mail from your address
Empfänger für externe Absender nicht verfügbar
Ce destinataire n'existe pas pour les expéditeurs externes
El destinatario no existe para remitentes externos
Rejected: see our page on user unknown bounces
Rejected, your last messages hit accounts that were closed
You ignored our earlier reply no such user
Please remove unknown users from your list
Recipient has no mailbox for voice messages
User has no account at the fax gateway
This user has no valid license
no valid recipient certificate found
no such user - the account is provisioned on first login, please retry
5.1.1 user unknown during migration window
mailbox unavailable, moving to new hardware
user unknown, possibly due to a synchronisation lag
recipient unknown (AD sync incomplete)
Unknown recipient: we could not reach the home server to verify
This account has been closed to new conversations
recipient invalid because of the attachment name
the user is unknown to this backup MX
Address rejected as invalid by the sender's own outbound filter
invalid address in line 3 of the header
Sorry, no mailbox will take a message of this type
user disabled notifications
account disabled by administrator for 7 days of spam complaints
Mailbox frozen while a legal hold is applied
mailbox locked: legal hold, mail is kept elsewhere
Inactive user list updated, try your message once more
recipient has been deleted from the Cc by policy
account closed for your IP range
non-existent recipients share of your traffic is 12 percent
Rejected: the domain of your reply-to is unknown
the mailbox named in your unsubscribe header does not exist
Benutzer hat keinen Platz mehr
Das Konto ruht bis zur Verlängerung
Empfänger unbekannt auf diesem Ersatzserver
Ihre Liste enthält ungültige Adressen
Adresse existiert, Postfach aber überfüllt
Compte suspendu le temps d'une vérification
destinataire inconnu de ce serveur de secours
votre message contient une adresse invalide dans l'en-tête
Cuenta suspendida mientras se verifica al titular
usuario desconocido en este servidor de respaldo
la dirección de respuesta no existe
Account sospeso in attesa di pagamento
utente sconosciuto su questo server di riserva
l'indirizzo di risposta non esiste
Conta suspensa durante a manutenção
usuário desconhecido neste servidor secundário
Onbekende gebruiker op deze reserveserver
het antwoordadres bestaat niet
Użytkownik nieznany na tym serwerze zapasowym
adres zwrotny nie istnieje
Пользователь неизвестен этому резервному серверу
адрес для ответа не существует
user unknown to the anti-virus console
Mailbox not found in cache, ask again later today
the account of the forwarder does not exist
User not found: too many queries
recipient is a list that has been archived, write to its owner
mailbox disabled by parental control between 22:00 and 7:00
The address is valid but the person no longer works the night shift
unknown recipient encoding
Cannot find user preferences, message deferred
Sorry, user's address book has no entry for you
kim does not know you and her mailbox is closed to unknown people
account suspended, mail will be kept for 14 days
account locked out after password attempts
the user is locked by another process
user is locked, POP session active
server not listed in Domino Directory
The user has deleted his subscription to this list
5.1.1 no route to the mail store for this user
5.1.1 maildir of user cannot be opened
User's mailbox is closed on Sundays
mailbox not found on this node, moved to node 4
Recipient has no valid licence for this archive
Reverse lookup: host unknown
ten of your last recipients were unknown
La casella non esiste ancora
5.4.6 routing loop, no such user could be reached
5.7.1 no such user may send here
could be an invalid mailbox
Recipient's phone is switched off
Esa cuenta de envío no existe
invalid destination port
Template not found for this recipient
forwarding of this account was removed
5.1.1 message too long for the user
5.1.1 the mailbox server is restarting
no mailbox server is available
unknown host in the Received header
no account manager approved this mail
Message-ID domain not found
SPF: include domain does not exist
abuse@ of your domain: user unknown
relay for unknown domain refused
mailbox inactive, owner was notified and mail is waiting
message to deleted folder of user refused
closed user group, you are no member
recipient not found in the allow list of this sender
recipient has expired your permission to write
user's quota record does not exist
Subscription for recipient not found
Empfänger hat Sie als unbekannt markiert
Postfach geschlossen wegen Überfüllung
Benutzer im Urlaub, Postfach geschlossen
Kein Benutzer darf diese Nachricht empfangen
Empfänger nicht gefunden im Adressbuch des Absenders
Boîte fermée pour congés
Aucun utilisateur ne peut recevoir ce type de fichier
le destinataire a supprimé votre message
compte bloqué pendant 24 heures
Buzón cerrado por vacaciones
el destinatario eliminó su mensaje
ningún usuario puede recibir este tipo de archivo
Casella chiusa per ferie
il destinatario ha eliminato il messaggio
Caixa fechada por férias
o destinatário removeu sua mensagem
Postvak gesloten wegens vakantie
de ontvanger heeft uw bericht verwijderd
Skrzynka zamknięta z powodu urlopu
odbiorca usunął wiadomość
Почтовый ящик закрыт на время отпуска
получатель удалил ваше письмо
Mailbox does not exist in this data centre, trying the other one
address invalid according to the sender's contact list
account closed on weekdays
account expired yesterday but can be extended
User deactivated their spam folder
no such user known to the fax machine
Mailbox disabled awaiting activation
inbox unavailable while syncing
unknown user agent in your message
mailbox not found in the shard, please wait for failover
Kunde hat sein Postfach vorübergehend geschlossen
Postfach wird umgezogen, Adresse kurz nicht vorhanden
Benutzer unbekannt laut veraltetem Verzeichnis, erneut versuchen
Le compte a été fermé par erreur et sera rouvert
boîte désactivée le temps des travaux
Usuario desactivado por error, se restablecerá
la cuenta se cerró por mantenimiento
Utente disabilitato fino a nuovo ordine
casella rimossa per errore, ripristino in corso
Conta desativada por engano, será reativada
Gebruiker onbekend door een storing in de database
postvak tijdelijk verwijderd
Konto usunięte przez pomyłkę, trwa przywracanie
Skrzynka nieaktywna do czasu opłacenia
Аккаунт удален по ошибке и будет восстановлен
Пользователь не найден из-за сбоя базы данных
5.7.1 Service unavailable; this account has been disabled. Please contact your postmaster
"""
_NOUNS = ("user", "recipient", "mailbox", "account", "e-mail address")
_ABSENCES = """
unknown
not found
does not exist
is invalid
has been disabled
was deleted
""".strip().splitlines()
_AROUND = (
    "{} until further notice",
    "{} or policy rejection",
    "{} or your server is blocked",
    "{} for 2 hours",
    "{} because of a directory error",
    "{} due to a database problem",
    "{} for external senders",
    "{} for mail from your network",
    "{} yet",
    "{}?",
    "perhaps {}",
    "if {} you get another report",
    "{}, will be available again",
)
_SENDERS = ("sender", "your address", "sending account", "originator", "reply-to address")


def _consequence(reply: str) -> Consequence:
    refusal = understand(f"550 {reply}")
    return consequence_of(refusal.reason, permanent=refusal.permanent)


@pytest.mark.parametrize("reply", _HEDGED.strip().splitlines())
def test_a_reply_that_hedges_suppresses_nobody(reply: str) -> None:
    """A false suppression is worse than a bounce that was missed."""
    assert _consequence(reply) != Consequence.HARD


@pytest.mark.parametrize("around", _AROUND)
def test_a_hedge_takes_back_whatever_it_surrounds(around: str) -> None:
    """Each is hard by itself, and not with the hedge."""
    for noun, absence in product(_NOUNS, _ABSENCES):
        assert _consequence(f"{noun} {absence}") == Consequence.HARD
        assert _consequence(around.format(f"{noun} {absence}")) != Consequence.HARD


@pytest.mark.parametrize("noun", _SENDERS)
def test_whoever_sends_is_not_the_recipient(noun: str) -> None:
    """Whatever is said of us."""
    for absence in _ABSENCES:
        assert _consequence(f"{noun} {absence}") != Consequence.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "Account blocked due to inactivity",
        "Ce compte a été clôturé par son titulaire",
        "mailbox unavailable For explanation visit http://mailbox.example/help",
        "This address no longer accepts mail",
        "Mailbox currently suspended - Please contact correspondent directly",
        "unknown or illegal alias",
        "This account has been disabled or discontinued",
        "Mailbox unknown. Either there is no mailbox or you do not have authorization to see it",
        "The recipient is unknown. Check the address, or contact your administrator",
        "Domain not used for mail",
        "I have no record of that recipient",
        "no mailbox by that name is currently available",
        "not user of this server",
        "5.2.1 No such user yet",
        "Адрес не найден. Проверьте адрес и попробуйте еще раз",
    ],
)
def test_what_only_resembles_a_hedge(reply: str) -> None:
    """A permanent cause, two ways to be gone, advice behind a full stop."""
    assert _consequence(reply) == Consequence.HARD


@pytest.mark.parametrize("domain", ["recipient domain", "destination domain", "Zieldomain"])
def test_the_domain_of_the_recipient(domain: str) -> None:
    """Unknown, it is gone; a relay that does not serve it, or DNS that fails, says nothing."""
    for absence in ("is unknown", "could not be found", "mailbox.example does not exist"):
        assert _consequence(f"{domain} {absence}") == Consequence.HARD
        assert _consequence(f"{domain} {absence}, try later") != Consequence.HARD
    for absence in ("is not local", "cannot be resolved", "is no longer hosted here"):
        assert _consequence(f"{domain} {absence}") != Consequence.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "your mail domain does not exist",
        "unknown mail domain in MAIL FROM",
        "sending domain does not exist",
        "sender's mail domain does not exist",
        "client domain not found",
    ],
)
def test_the_domain_of_the_sender(reply: str) -> None:
    """It is ours."""
    assert _consequence(reply) != Consequence.HARD


def test_a_condition_goes_up_to_the_end_of_its_sentence() -> None:
    """What stands behind it is asserted."""
    assert asserted("if you moved, tell us. user unknown").split() == [".", "user", "unknown"]
    assert asserted("user unknown or refused; bye").split() == [";", "bye"]


def test_a_command_out_of_order_says_nothing() -> None:
    """503 is about our commands, unless its enhanced code is about an address."""
    for reply, is_hard in (
        ("503 5.5.1 Invalid recipient", False),
        ("503 Unknown user", False),
        ("503 5.1.1 Unknown user", True),
    ):
        refusal = understand(reply)
        consequence = consequence_of(refusal.reason, permanent=refusal.permanent)
        assert (consequence == Consequence.HARD) == is_hard
