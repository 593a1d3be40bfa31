"""A code about the address, with words of other languages that speak of something else."""

import pytest

from digest.bounces.reading.reasons import Consequence, Reason, consequence_of
from digest.bounces.reading.replies import understand

# Who sent it, a server's fault, what was sent, a policy.
_CONTRADICTED = """
Absender nicht erlaubt
Netzwerkfehler
Nachricht zu groß
Ihre IP-Adresse ist gesperrt
expéditeur refusé
erreur de connexion au serveur
message trop volumineux
remitente rechazado
error de conexión
contenido no permitido
mittente rifiutato
errore di connessione
messaggio troppo grande
remetente recusado
falha no disco
mensagem muito grande
afzender geweigerd
verbindingsfout
bericht te groot
nadawca odrzucony
błąd połączenia
wiadomość zbyt duża
отправитель отклонён
техническая ошибка
письмо слишком большое
avsändaren nekad
afsenderen afvist
odesílatel odmítnut
a feladó elutasítva
gönderen reddedildi
送信者が拒否されました
邮件太大
발신자 거부
"""
_FAULTS = """
internal problem
program returned 1
disk write
the backend is not there
Netzwerkfehler
erreur de connexion
error de conexión
errore di connessione
falha no disco
verbindingsfout
błąd połączenia
техническая проблема
"""
# What a code decides, for no sentence does.
_REFUSED = """
Empfänger abgelehnt
destinataire refusé
destinatario rechazado
destinatario rifiutato
destinatário recusado
ontvanger geweigerd
odbiorca odrzucony
адресат отклонён
<kim@mailbox.example>: Recipient address rejected: netzwerk-filter.example
mail.prodigy.net.mx: recipient refused
mx1.harbour.network: recipient refused
Your message could not be delivered to <kim@mailbox.example>
the address may be misspelled
not on the list of recipients
recipient not found in the list of valid recipients
"""
# How servers and mail programs begin the reply of another.
_PREAMBLES = """
Remote host said: 550 5.1.1 Recipient rejected
192.0.2.7 failed after I sent the message. Remote host said: 550 5.1.1 Recipient rejected
Remote Server returned '550 5.1.1 Recipient rejected'
remote server returned 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient rejected
host mx.mailbox.example[192.0.2.7] said: 550 5.1.1 Recipient rejected (in reply to RCPT TO command)
SMTP error from remote mail server after RCPT TO:<kim@mailbox.example>: 550 5.1.1 Recipient rejected
"""


def _consequence(reply: str) -> Consequence:
    refusal = understand(f"550 5.1.1 {reply}")
    return consequence_of(refusal.reason, permanent=refusal.permanent)


@pytest.mark.parametrize("reply", _CONTRADICTED.strip().splitlines())
def test_a_code_beside_other_words_suppresses_nobody(reply: str) -> None:
    """They are about the sender, a server or the mail."""
    assert _consequence(reply) != Consequence.HARD


@pytest.mark.parametrize("reply", _FAULTS.strip().splitlines())
def test_a_servers_fault_is_not_ours(reply: str) -> None:
    """It counts towards a score, and pauses no domain."""
    refusal = understand(f"550 5.1.1 {reply}")
    assert (refusal.reason, _consequence(reply)) == (Reason.SYSTEM, Consequence.SOFT)


def test_a_fault_beside_the_sender_is_about_the_sender() -> None:
    """Whoever reads the reply looks there first."""
    assert understand("550 5.1.1 relay connection").reason == Reason.REJECTED


@pytest.mark.parametrize("reply", _PREAMBLES.strip().splitlines())
def test_a_preamble_says_nothing_of_the_sender(reply: str) -> None:
    """It stands before each reply."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) == Consequence.HARD


@pytest.mark.parametrize("reply", _REFUSED.strip().splitlines())
def test_a_code_beside_the_recipient_is_believed(reply: str) -> None:
    """The words do not say why, so the code does."""
    assert _consequence(reply) == Consequence.HARD
