"""Report alerts to the addresses and webhooks of DIGEST_ALERTS, without any worker."""

import json
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import structlog
from django.conf import settings

from digest.core import addresses, clock
from digest.core.errors import DigestError
from digest.core.http import post
from digest.monitoring.alerts.watching import News
from digest.monitoring.models import Alert
from digest.newsletters.models import Publication
from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.transports.base import Envelope

log = structlog.get_logger(__name__)


def report(news: News, now: datetime) -> None:
    """Report to everybody; one who cannot be reached is logged and hinders no other."""
    if not (news.begun or news.over):
        return
    for alert in news.begun:
        log.error("alert", key=alert.key, summary=alert.summary)
    for place in settings.DIGEST_ALERTS:
        try:
            if "://" in place:
                _post(place, news, now)
            else:
                _mail(place, news, now)
        except DigestError as problem:
            log.error("alert not reported", place=place, problem=str(problem))  # noqa: TRY400


def _post(url: str, news: News, now: datetime) -> None:
    for state, alerts in (("began", news.begun), ("ended", news.over)):
        for alert in alerts:
            body = {
                "installation": settings.DIGEST_BASE_URL,
                "alert": alert.key,
                "state": state,
                "summary": alert.summary,
                "began_at": alert.began_at.isoformat(),
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
        if reply.accepted:
            return
        problem = DigestError(f"{relay.name} refused it: {reply.code} {reply.text}")
    raise problem or DigestError("No mail server took it.")


def compose(address: str, sender: str, news: News, now: datetime) -> bytes:
    """Return a plain mail about alerts: what is wrong first, then what is over."""
    message = EmailMessage(policy=SMTP)
    first = (news.begun or news.over)[0].summary.partition(". ")[0]
    further = len(news.begun) + len(news.over) - 1
    prefix = "Alert" if news.begun else "Over"
    message["Subject"] = f"[Digest] {prefix}: {first[:120]}" + (f" (+{further})" if further else "")
    message["From"] = f"Digest <{sender}>"
    message["To"] = address
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5
    message.set_content(
        "\n".join(
            [
                *_lines("Wrong now:", news.begun),
                *_lines("Over:", news.over),
                f"Installation: {settings.DIGEST_BASE_URL}",
                "An alert is reported once, and again when it is over.",
            ]
        )
    )
    return message.as_bytes()


def _lines(heading: str, alerts: Sequence[Alert]) -> list[str]:
    lines = [f"- {alert.summary} (since {clock.format_moment(alert.began_at)})" for alert in alerts]
    return [heading, *lines, ""] if lines else []


def _by_health(relays: Sequence[Relay]) -> list[Relay]:
    return sorted(relays, key=lambda relay: relay.down_since is not None)
