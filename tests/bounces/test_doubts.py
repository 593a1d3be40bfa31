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

# A code about the recipient, with words that speak of a server, of us, or of what we sent.
_BESIDE_A_CODE = """
503 5.1.1 Connection error
503 5.1.1 could not add the user
550 5.1.1 backend connection failed
550 5.1.1 network trouble
550 5.1.1 cannot connect to the mail store
550 5.1.1 permission denied on the mail store
550 5.1.1 SQL error
550 5.1.1 service not running
550 5.1.1 pipe transport failed
550 5.1.1 the filter script returned an error
550 5.1.1 cannot create output file
550 5.1.1 mailbox locked by another process
550 5.1.1 no valid certificate
550 5.1.1 fake MX, use the real one
550 5.1.1 we take mail over IPv4 alone
550 5.1.1 unknown encoding
550 5.1.1 invalid format of the message
550 5.1.1 bad message-id
501 5.1.3 syntax error in your message
550 5.1.1 recipient unsubscribed
550 5.1.1 The recipient does not want mail from you
550 5.1.1 recipient refuses newsletters
550 5.1.1 delivery to programs is off
550 5.2.1 mailbox being backed up
550 5.2.1 mailbox takes no mail from lists
550 5.2.1 delivery paused by the user
550 5.2.1 archived, read only
550 5.1.10 no bounces are taken here
550 5.2.1 the mailbox may be offline
553 5.6.7 Address not valid UTF-8
550 5.6.9 user unknown to take UTF-8
556 remote IP check failed
"""

_OF_OTHERS = """
550 5.7.27 Sender address has null MX
550 MAIL FROM domain publishes a null MX
550 your domain has a null MX record
550 the sender doesn't have a valid account
550 UID 500 is an unknown user: cannot mail to files
550 kim@mailbox.example doesn't have a valid shell for mailing to programs
501 Invalid domain name syntax
550 No MX for the address in From
550 Errors-To: no such user
550 envelope-from user does not exist
550 source mailbox does not exist
550 login user unknown
550 no such user: news@news.example (your SMTP login)
550 your hosting account has been suspended
550 DKIM key for user not found
550 BIMI record of user not found
550 rua address unknown
550 image host not found
550 the account of the link shortener is disabled
550 The recipient's archive mailbox does not exist
550 the recipient's forward address does not exist
550 the delegate of the user was not found
550 moderators mailbox unavailable
550 subscriber not found in this list
550 only members may post; address unknown to the list
550 User over daily receive limit; mailbox disabled
550 Recipient has been removed from this message
550 Account closed connection
550 no such user; this is the secondary
550 resent-from mailbox does not exist
550 approver's account is disabled
550 escrow mailbox not found
550 calendar account of user not found
550 sms subscriber unknown
550 template for user not found
550 push token of user invalid
550 mailbox unknown at this hour
550 recipient gone quiet, delivery paused
554 5.3.5 Unknown address family
550 mail failed for one recipient (kim@mailbox.example:451 User unknown)
550 5.0.350 Remote server returned an error -> 451 4.1.1 user unknown
"""


@pytest.mark.parametrize(
    "reply", (_HEDGED.strip() + _BESIDE_A_CODE + _OF_OTHERS.strip()).splitlines()
)
def test_a_reply_that_hedges_suppresses_nobody(reply: str) -> None:
    """It passes, is a guess, is limited, or is of what belongs to somebody."""
    refusal = understand(reply)
    assert consequence_of(refusal.reason, permanent=refusal.permanent) != Consequence.HARD


def test_a_whole_report_is_not_doubted() -> None:
    """It speaks of many things beside the reply."""
    reply = "550 User unknown. Our office is closed for maintenance"
    assert is_doubtful(normalized(reply))
    assert not is_doubtful(normalized(reply + " and other things" * 20))
