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
