"""Do what a mail to one of our addresses asks for, and say how that went in SMTP's words.

Leaving always works, whoever sends the mail and however: the token is the right. Everything that
makes us write back is for people only, and passes the same limits as the page. A 250 means that
what was asked is committed; a 4xx that sending it again does no harm.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction

from digest.bounces import reports
from digest.core import clock
from digest.core.addresses import Address
from digest.core.errors import DigestError
from digest.core.isolation import UnavailableError
from digest.inbound.errors import InboundError
from digest.inbound.reading import Mail
from digest.inbound.recipients import (
    Asking,
    Confirming,
    Leaving,
    Reporting,
    Request,
    Returning,
    Subscribing,
    is_ours,
    understood,
)
from digest.newsletters.models import Newsletter, Publication
from digest.notices.models import Notice
from digest.notices.queue import queue_notice, queue_to_subscriber
from digest.selfservice import confirmation
from digest.sending import ledger
from digest.subscribers import consent, signup_limits, signups
from digest.subscribers.errors import LimiterUnavailableError, SubscriberError, TooManyError
from digest.subscribers.models import Subscriber

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply for one recipient."""

    code: int
    text: str  # with the enhanced code (RFC 3463)

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


CHECK_SECONDS = 5.0  # for which a connection is believed to be sound
_thread = threading.local()

DONE = Reply(250, "2.0.0 Done")
UNAVAILABLE = Reply(451, "4.3.0 Not at this moment; try again soon")


def accepts(address: str) -> Reply:
    """Say whether mail to this address is taken (after RCPT)."""
    return _guarded(lambda: (understood(address), Reply(250, "2.1.5 OK"))[1])


def obey(address: str, mail: Mail, content: bytes = b"") -> Reply:
    """Do what a mail to this address of ours asks for (after DATA)."""
    return _guarded(lambda: _obey(address, mail, content))


def is_mail_sent() -> bool:
    """Return whether issues are being sent; also where the database does not say."""
    _check_connection()
    try:
        return ledger.is_sending()
    except DatabaseError as problem:
        log.warning("reports rest, the database is away", problem=str(problem).strip())
        close_old_connections()
        return True


def _obey(address: str, mail: Mail, content: bytes) -> Reply:
    request = understood(address)
    if isinstance(request, Returning | Reporting):
        return _take_report(request, content)
    if isinstance(request, Leaving):
        return _leave(request, mail)
    if isinstance(request, Confirming):
        return _confirm(request, mail)
    if mail.sender is None and not mail.machine:
        return Reply(550, "5.6.0 The From field must name exactly one address")
    if reason := mail.machine or _own_address(mail.sender):
        log.info("mail not answered", to=_command(request), why=reason)
        return Reply(250, "2.0.0 Taken, not answered")
    assert mail.sender is not None  # said two steps above
    return _answer(request, mail.sender)


def _take_report(request: Returning | Reporting, content: bytes) -> Reply:
    """Take what came back, or a DMARC report; it is never answered, and a copy changes nothing."""
    if isinstance(request, Reporting):
        reports.receive_dmarc(content, clock.now())
    else:
        reports.receive(content, clock.now(), token=request.token)
    return DONE


def _leave(request: Leaving, mail: Mail) -> Reply:
    """Unsubscribe whom the token names; acknowledge to their own address, if a person wrote."""
    link = request.link
    if not link.subscriber:
        return DONE  # a test mail has no subscriber
    try:
        left = consent.unsubscribe(
            link.subscriber,
            link.newsletter,
            via="mail",
            ip=None,
            now=clock.now(),
            issue=link.issue,
        )
    except SubscriberError:
        return DONE  # erased since: there is nothing left to leave
    if left and not mail.machine:
        _acknowledge(request)
    return DONE


def _confirm(request: Confirming, mail: Mail) -> Reply:
    """Take a person's word; an absence note that answers a confirmation is none."""
    if mail.machine:
        log.info("mail not answered", to="confirming", why=mail.machine)
        return Reply(250, "2.0.0 Taken, not answered")
    confirmation.confirm(request.link, ip=None, via="mail", now=clock.now())
    return DONE


def _acknowledge(request: Leaving) -> None:
    subscriber = Subscriber.objects.get(pk=request.link.subscriber)
    newsletter = Newsletter.objects.select_related("publication").get(pk=request.link.newsletter)
    queue_to_subscriber(Notice.Kind.LEFT, newsletter, subscriber, clock.now(), answers_mail=True)


def _answer(request: Subscribing | Asking, sender: Address) -> Reply:
    """Take a wish down, or answer a question; beyond a mailbox's share nothing happens."""
    try:
        room = signup_limits.admit(sender, None)
    except TooManyError as problem:
        return Reply(450, f"4.7.1 {problem}")
    except LimiterUnavailableError:
        return UNAVAILABLE
    if room and isinstance(request, Subscribing):
        _subscribe(request, sender)
    elif room and isinstance(request, Asking):
        _help(request, sender)
    return DONE


def _subscribe(request: Subscribing, sender: Address) -> None:
    newsletter = request.newsletter
    signups.store_signup(
        sender,
        [newsletter],
        via="mail",
        ip=None,
        language=newsletter.language or newsletter.publication.language,
        wording=f"Wrote a mail to {request.address.strip('<>').lower()}.",
        now=clock.now(),
    )


def _help(request: Asking, sender: Address) -> None:
    queue_notice(
        Notice.Kind.HELP,
        request.publication,
        email=sender.email,
        language=request.publication.language,
        answers_mail=True,
        now=clock.now(),
    )


def _own_address(sender: Address | None) -> str:
    """Say that a mail comes from one of our own addresses, which would make a loop."""
    if sender is None:
        return "nobody wrote it"
    if settings.DIGEST_INBOUND_DOMAIN and is_ours(sender.email.rpartition("@")[2]):
        return "it comes from our own domain"
    publications = Publication.objects.filter(sender_email__iexact=sender.email)
    return "it comes from a publication of ours" if publications.exists() else ""


def _command(request: Request) -> str:
    return type(request).__name__.lower()


def _guarded(work: Callable[[], Reply]) -> Reply:
    """Run work in one transaction of this thread; a database that is away is a 451."""
    _check_connection()
    try:
        with transaction.atomic():
            reply = work()
    except InboundError as problem:
        return Reply(550, f"5.1.1 {problem}")
    except UnavailableError as problem:
        log.warning("mail deferred, it cannot be read now", problem=str(problem))
        return UNAVAILABLE
    except DatabaseError as problem:
        log.warning("mail deferred, the database is away", problem=str(problem).strip())
        close_old_connections()
        return UNAVAILABLE
    except DigestError as problem:
        return Reply(550, f"5.7.0 {problem}")
    else:
        return reply
    finally:
        _check_connection()


def _check_connection() -> None:
    """Have this thread's connection checked before it is used again, unless it was just now.

    It stays open, for to connect costs more than the work; and a check is a statement, of which a
    report takes four. So the first mails after a restart of the database may be deferred.
    """
    moment = time.monotonic()
    if moment - getattr(_thread, "checked_at", -CHECK_SECONDS) >= CHECK_SECONDS:
        close_old_connections()
        _thread.checked_at = moment
