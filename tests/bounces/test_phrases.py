"""Sentences that no rule knows word for word: who is gone, and who is not."""

import pytest

from digest.bounces.reading.phrases import reason_in
from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.reading.replies import understand
from digest.bounces.reading.rules import normalized, rule_for

# Written for this test, in the languages of `families.toml`.
_ABSENT = """
There is no longer a mailbox for this recipient
The person whom kim@mailbox.example named is no longer a registered user
That alias could not be located on our side
This login belongs to a nonexistent account
The addressee, as far as this system goes, is not known
Recipient was refused: not registered
We found no mailbox with such a name here: recipient undefined
An account of this name isn't listed
RCPT kim@mailbox.example dosn't exist
kim@mailbox.example isn't in my list of allowed recipients
kim has no account on this machine
Kim Smith does not have a mailbox here
kim is unknown at mailbox.example
Ms Smith no longer works here
this_user_does_not_exist
Die angegebene Mailadresse ist hier unbekannt
Das Postfach existiert nicht mehr
Der Nutzer hat kein Konto
Le destinataire indiqué est introuvable
Cette boîte n'existe plus
L'utilisateur n'a pas de compte ici
El destinatario no se encuentra en el directorio
El usuario no tiene cuenta en este servidor
La casella indicata non esiste
L'utente non è stato trovato
O destinatário não foi localizado
A conta não existe neste servidor
De ontvanger kon niet worden gevonden
Het postvak bestaat niet
Nie znaleziono użytkownika
Podany adresat nie istnieje
Такого получателя не существует
Почтовый ящик не найден
そのメールボックスは存在しません
宛先が見つかりません
该收件人不存在
邮箱未找到
Mottagaren finns inte
Modtageren findes ikke
Příjemce neexistuje
Posta kutusu mevcut değil
수신자를 찾을 수 없습니다
Vastaanottajaa ei löydy
A címzett nem található
הנמען אינו קיים
We do not have a user by that name
There is no such mail account on this server
Kim Smith does not work here any more
kim@mailbox.example could not be resolved to a mailbox
Recipient could not be expanded
That alias does not resolve
The user is not part of our organization
Recipient is not on this server
Your recipient no longer uses this mailbox
kim@mailbox.example was not found in the user database
There's no one here with that name
does not exist here
kim: nonexistent
kim: could not be found
<kim@mailbox.example>... blank mailhost - invalid address, relay=[192.0.2.1]
No matching recipient
The recipient does not match any known user
The name of the recipient is incorrect
Malformed recipient address
Not our mailbox
No local mailbox
You have reached a non-working address
The user kim cannot be found in our directory
I have no record of that recipient
The e-mail address does not belong to this system
Kein solcher Benutzer
Kein Postfach mit diesem Namen
Aucun utilisateur de ce nom
No hay tal usuario
El destinatario no pudo ser encontrado
Nessuna casella con questo nome
Brak takiej skrzynki
Uzytkownik nieznany
Brukeren finnes ikke
Utilizatorul nu exista
Tundmatu adressaat
χρήστης δεν υπάρχει
Korisnik ne postoji
Prejemnik ne obstaja
Používateľ neexistuje
Користувача не існує
Потребителят не съществува
Vartotojas nerastas
Lietotājs neeksistē
Người dùng không tồn tại
Pengguna tidak dikenal
المستخدم غير موجود
ไม่พบผู้ใช้
That recipient doesnt exist
This mailbox does not exit
Recipient is unkown to us
The mailbox you are trying to reach does not appear to exist
The recipient could not be verified to exist
This address has never existed here
Nobody with that name reads mail here
Such a user does not live on this server
kim@mailbox.example: this email id is not known
Esta cuenta de correo no ha sido encontrada
O endereço não pode ser encontrado
L'utilisateur n'a pas pu être trouvé
Der Empfänger ist hier leider nicht mehr bekannt
Il destinatario non è più presente
Odbiorca nie został odnaleziony
Получатель не был найден
De ontvanger is hier helaas niet bekend
L'usuari no existeix
Notandinn finnst ekki: netfangið er ekki til
کاربر یافت نشد
"""
_CLOSED = """
This mailbox was closed by its owner and is deactivated
Recipient terminated
The account of this subscriber has expired
kim@mailbox.example: inactive
Das Konto wurde gelöscht
Le compte a été désactivé
La cuenta no está activa
La casella è stata disattivata
A conta foi encerrada
Het account is opgeheven
Skrzynka została zamknięta
Учетная запись отключена
このアカウントは削除されました
该帐户已被禁用
The owner of this mailbox has deleted it
Account removed
<kim@mailbox.example> not used
Recipient address rejected: Account deleted by user
The recipient has resigned
This mailbox was shut down at the request of its owner
The account that you try to reach has been inactive too long
Mailbox locked permanently
Konto gesperrt
Mailbox withdrawn
This address is out of service
Konto zostalo usuniete
Casilla inhabilitada
Kontot är avslutat
"""
_UNRELATED = """
The sender's mailbox does not exist
Sender does not have a mailbox on this server
We do not have an account for this domain
Your organisation does not have a policy for this
You must have an account here
Your account is inactive
The envelope expired before user kim could be reached
The 'from' parameter is not a valid address
Invalid header for recipient kim
Message for user kim rejected: unknown file type
Unknown client for this mailbox
The header of this message is unknown
The domain in your e-mail address is not registered
Only registered users may send
If the address is not valid, ask the recipient
The account or its group might not exist
Please check that the recipient is not misspelled or unknown
The mailbox is full, and nothing else is known of an invalid recipient
User kim is temporarily unknown
The recipient cannot be found because of a policy
No such file
The subscription of this mailbox's owner is blocked
Su servidor no existe en nuestra lista
El registro PTR no existe para su dirección IP
Le domaine de l'expéditeur est inconnu
Das Postfach ist voll oder unbekannt
Почтовый ящик переполнен или не найден
群組可能不存在
宛先が見つからないか、混み合っています
Nobody said anything
Your mailbox does not exist
Ihre Adresse ist ungültig
Votre adresse est inconnue
The HELO host is unknown
Invalid domain name in EHLO
Too many invalid users
Mail from your server has been rejected because of many unknown addresses
The maximum number of invalid recipients was reached
The user unknown rate of your server is too high
Reply-To address is unknown
Message has an invalid recipients header
Verification failed for <news@courier.example>: no such user
bounce+abc@courier.example: user unknown
Unknown user name or bad password
503 5.5.1 No valid recipients
The group only accepts messages from members; the user is not a member
Requested action not taken: mailbox unavailable, invalid DNS MX or A/AAAA resource record
Requested action not taken: mailbox unavailable. Sender address is not allowed
The message for the recipient was deleted
El mensaje para el usuario fue eliminado
Nachricht an Benutzer wurde gelöscht
The mailbox store is unavailable
Account disabled temporarly for exceeding receiving limits
Afsenderens adresse findes ikke
Adresa odesílatele neexistuje
보낸 사람 주소를 찾을 수 없습니다
您的IP地址无效
The recipient address is under verification; address verification in progress
The user deleted the message
The sender could not be verified to exist
Your mailbox does not appear to exist
The certificate is not currently valid
The domain of the sender does not currently exist
El remitente no ha sido encontrado
5.2.1 Mailbox unavailable. This server does not accept mails from this sender address
5.3.0 Local delivery program for mailbox kim did not exit cleanly
The delivery program of this mailbox has no exit status
"""


def _rows(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("sentence", _rows(_ABSENT))
def test_somebody_who_is_not_there(sentence: str) -> None:
    """Whatever the words and the language."""
    refusal = understand(f"550 {sentence}")
    assert refusal.reason == Reason.USER_UNKNOWN
    assert refusal.permanent


@pytest.mark.parametrize("sentence", _rows(_CLOSED))
def test_a_mailbox_that_is_closed(sentence: str) -> None:
    """Its owner left, or does not use it."""
    assert understand(f"550 {sentence}").reason == Reason.SUSPENDED


@pytest.mark.parametrize("sentence", _rows(_UNRELATED))
def test_what_is_not_about_the_recipient(sentence: str) -> None:
    """The sender, a header, a domain, a guess, or what will pass: nobody is suppressed for it."""
    assert rule_for(sentence) is not None or reason_in(normalized(sentence)) is None
    refusal = understand(f"550 {sentence}")
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD


def test_a_sentence_is_read_by_itself() -> None:
    """A full mailbox in one says nothing of the next."""
    assert reason_in("the queue is full. the recipient is not registered") == Reason.USER_UNKNOWN
    assert reason_in("the recipient. is not registered") is None


@pytest.mark.parametrize("code", ["450", "421 4.1.1", "450 4.2.1"])
def test_words_are_not_believed_beside_a_temporary_code(code: str) -> None:
    """A server that says 4 will take the mail later."""
    refusal = understand(f"{code} This recipient is not registered here")
    assert consequence_of(refusal.reason, permanent=refusal.permanent) == Consequence.SOFT


@pytest.mark.parametrize(
    "reply",
    [
        "550 Recipient rejected",
        "550 <kim@mailbox.example>: Recipient address rejected.",
        "542 kim@mailbox.example Rejected",
        "550 RCPT TO address rejected (#5.1.1)",
        "550 Destination server rejected recipients",
        "Sorry.\n\nhost mx said: 550 Recipient refused (in reply to RCPT TO command)\n\nBye.",
    ],
)
def test_a_bare_refusal_of_a_recipient(reply: str) -> None:
    """A server that gives no reason has none in its policy."""
    assert understand(reply).reason == Reason.USER_UNKNOWN


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 Recipient rejected",
        "554 5.7.1 <kim@mailbox.example>: Recipient address rejected: Access denied",
        "550 Recipient rejected your message",
        "550 Recipient rejected after content scan",
        "550 Recipient address rejected: Mail appeared to be forged",
        "550 Recipient rejected. Look at your settings",
        "550 Message refused by recipient",
        "550 Address rejected",
        "550 Recipient rejected (in reply to end of DATA command)",
        "450 Recipient rejected",
        "Recipient rejected",
    ],
)
def test_a_refusal_with_a_reason_of_its_own(reply: str) -> None:
    """A policy, what the mail contains, or who may write: nobody is suppressed."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD


@pytest.mark.parametrize(
    "repeated",
    [
        "<kim@mailbox.example> ",
        "user ",
        "unknown ",
        "no mailbox ",
        "n't ",
        "x",
        "5",
        "rejected ",
        "-",
    ],
)
def test_words_that_are_repeated_cost_no_more_time(repeated: str) -> None:
    """Expressions that try every way to read them would not end."""
    assert understand(f"550 {repeated * 4_000}").code == 550
