"""Report alerts to the addresses and webhooks of DIGEST_ALERTS, without any worker."""

import json
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from urllib.parse import urlsplit

import structlog
from django.conf import settings

from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.core.http import FetchError, post
from digest.monitoring.alerts.watching import News
from digest.monitoring.models import Alert
from digest.newsletters.models import Publication
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.base import Envelope

log = structlog.get_logger(__name__)


def report(news: News, now: datetime) -> bool:
    """Report to every place; return whether one of them was reached.

    A place that cannot be reached is logged and hinders no other, whatever goes wrong there.
    """
    if not (news.started or news.ended):
        return False
    for alert in news.started:
        log.error("alert", key=alert.key, summary=alert.summary)
    reached = [_try_to_report(place, news, now) for place in settings.DIGEST_ALERTS]
    return any(reached)


def _try_to_report(place: str, news: News, now: datetime) -> bool:
    """Report to one place. Of a webhook only the host is logged: its address may be its secret."""
    is_webhook = "://" in place
    try:
        (_post if is_webhook else _mail)(place, news, now)
    except Exception as failure:  # noqa: BLE001  the other places have to hear of it all the same
        name = _host(place) if is_webhook else place
        log.error("alert not reported", place=name, problem=_describe(failure))  # noqa: TRY400
        return False
    return True


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "webhook"
    except ValueError:
        return "webhook"


def _describe(failure: Exception) -> str:
    """Return what failed, without an address that it may name."""
    if isinstance(failure, FetchError):
        return f"HTTP {failure.status}" if failure.status else type(failure).__name__
    return str(failure) if isinstance(failure, DigestError) else repr(type(failure))


def _post(url: str, news: News, now: datetime) -> None:
    for state, alerts in (("began", news.started), ("ended", news.ended)):
        for alert in alerts:
            body = {
                "installation": settings.DIGEST_BASE_URL,
                "alert": alert.key,
                "state": state,
                "summary": alert.summary,
                "began_at": alert.began_at.isoformat(),
                "ended_at": alert.ended_at.isoformat() if alert.ended_at else None,
                "at": now.isoformat(),
            }
            post(url, json.dumps(body).encode(), {})


def _mail(address: str, news: News, now: datetime) -> None:
    """Hand a mail to the first mail server that takes it, those that are up first."""
    publication = Publication.objects.order_by("pk").first()
    if publication is None:
        raise DigestError("There is no publication yet whose sender a mail could have.")
    message = compose(address, publication.sender_email, news, now)
    sender = addresses.envelope(publication.sender_email)
    envelope = Envelope(sender, addresses.envelope(address))
    problem: DigestError | None = None
    for relay in _by_health(registry.active_relays()):
        try:
            with registry.open_transport(relay) as transport:
                reply = transport.deliver(envelope, message)
        except DigestError as failure:
            problem = failure
            continue
        except Exception as failure:  # noqa: BLE001  the next mail server may be in order
            problem = DigestError(f"{relay.name} failed unexpectedly: {type(failure).__name__}")
            continue
        if reply.accepted:
            return
        problem = DigestError(f"{relay.name} refused it: {reply.code} {reply.text}")
    raise problem or DigestError("No mail server took it.")


def compose(address: str, sender: str, news: News, now: datetime) -> bytes:
    """Return a plain mail about alerts: what is wrong first, then what is over."""
    message = EmailMessage(policy=SMTP)
    first = (news.started or news.ended)[0].summary.partition(". ")[0]
    further = len(news.started) + len(news.ended) - 1
    prefix = "Alert" if news.started else "Over"
    message["Subject"] = f"[Digest] {prefix}: {first[:120]}" + (f" (+{further})" if further else "")
    message["From"] = f"Digest <{sender}>"
    message["To"] = address
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    message.set_content(
        "\n".join(
            [
                *_lines("Wrong now:", news.started),
                *_lines("Over:", news.ended),
                f"Installation: {settings.DIGEST_BASE_URL}",
                "An alert is reported once, and again when it is over.",
            ]
        )
    )
    return message.as_bytes()


def _lines(heading: str, alerts: Sequence[Alert]) -> list[str]:
    lines = [f"- {alert.summary} ({_describe_time(alert)})" for alert in alerts]
    return [heading, *lines, ""] if lines else []


def _describe_time(alert: Alert) -> str:
    since = f"since {clock.format_moment(alert.began_at)}"
    return f"{since} until {clock.format_moment(alert.ended_at)}" if alert.ended_at else since


def _by_health(relays: Sequence[Relay]) -> list[Relay]:
    return sorted(relays, key=lambda relay: relay.down_since is not None)
