"""Known phrases that suppress nobody, for the reply takes them back or speaks of something else."""

import pytest

from digest.bounces.reading.doubts import is_doubtful
from digest.bounces.reading.reasons import Consequence, consequence_of
from digest.bounces.reading.replies import understand
from digest.bounces.reading.rules import normalized

_HEDGED = """
550 The recipient you named has left us no room for more mail
550 5.1.1 user kim: disk trouble on our side
550 user unknown because our directory did not answer
550 No such user could be looked up in time
550 lookup of user kim timed out
550 mailbox not found on this node; it is being moved
550 account not found on this cluster node, please use another MX
550 user not found on this server, try mx2.mailbox.example
550 User unknown; we only accept mail from registered senders
550 user does not exist in the list of those you may write to
550 sender has no permission to write to this user
550 this user is not accepting mail from you
550 recipient not accepting mail from your domain
550 5.1.1 Recipient rejected: your domain is too young
550 unknown recipient policy
550 Recipient policy not found
550 Invalid recipient count
550 invalid number of recipients
550 recipients limit reached, remaining users were not found
550 rcpt limit exceeded; unknown recipients 12
550 your list contains unknown users
550 your messages go to unknown users
550 You sent mail to non-existent accounts yesterday, blocked
550 spamtrap: this address does not exist and you hit it, your IP is listed
550 this user has been notified that you are unknown
550 User kim was told that the sender does not exist
550 attached file of the user account is invalid
550 file not found in mailbox
550 mailbox index not found, rebuilding
550 mail folder does not exist, it will be created
550 Maildir of user does not exist yet, try later
550 inbox lock not found
550 address book lookup unavailable
550 mailbox access disabled for external senders
550 mailbox disabled for outside mail
550 account disabled for receiving large messages
550 user disabled delivery of newsletters
550 user has disabled mail from mailing lists
550 user has closed the mailbox to strangers
550 recipient has deleted your message unread
550 your trial account expired
550 mailbox plan expired, owner must renew
550 User must confirm the account first
550 Account not yet activated, please wait
550 account pending activation
550 new account, not active yet
550 mailbox inactive until the owner logs in
550 Postfach existiert noch nicht, bitte später erneut senden
550 Empfänger existiert nicht oder Ihr Server ist gesperrt
550 Benutzer unbekannt oder Weiterleitung verweigert
550 Utilisateur inconnu ou serveur bloqué
550 Usuario desconocido o servidor bloqueado
550 Utente sconosciuto o server bloccato
550 Пользователь не найден или сервер заблокирован
"""


@pytest.mark.parametrize("reply", _HEDGED.strip().splitlines())
def test_a_reply_that_hedges_suppresses_nobody(reply: str) -> None:
    """It passes, is a guess, is limited, or is of what belongs to somebody."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD


def test_a_whole_report_is_not_doubted() -> None:
    """It speaks of many things beside the reply."""
    reply = "550 User unknown. Our office is closed for maintenance"
    assert is_doubtful(normalized(reply))
    assert not is_doubtful(normalized(reply + " and other things" * 20))
