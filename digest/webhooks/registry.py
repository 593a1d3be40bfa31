"""Webhooks: add, find, test, enable, remove."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Q

from digest.core import choices, http, links, sealing
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.errors import DigestError
from digest.core.http import ssrf_guard
from digest.newsletters.models import Publication
from digest.webhooks import signing
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook, WebhookDelivery

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class WebhookError(DigestError):
    """A webhook cannot be added or changed in this way."""


def add(
    name: str,
    url: str,
    events: Iterable[str],
    *,
    now: datetime,
    publication: Publication | None = None,
) -> tuple[Webhook, str]:
    """Add a webhook; return it, and the secret that its calls are signed with.

    Raises WebhookError for a name that is in use, an unknown event, or a bad address.
    """
    if not _NAME.fullmatch(name) or len(name) > 64:
        raise WebhookError(f"{name!r} is not a valid name; use a-z, 0-9 and hyphens.")
    secret = sealing.new_webhook_secret()
    webhook = Webhook(
        name=name,
        url=_checked_url(url),
        sealed_secret=sealing.seal(secret),
        events=choices.pick(events, Event, "an event", WebhookError),
        publication=publication,
        created_at=now,
    )
    with refuse_duplicate(WebhookError(f"A webhook {name!r} exists already.")):
        webhook.save()
    return webhook, secret


def find(name: str) -> Webhook:
    """Return a webhook; raise WebhookError if there is none."""
    if webhook := Webhook.objects.filter(name=name).first():
        return webhook
    raise WebhookError(f"There is no webhook {name!r}. `digest webhook list` shows them.")


@dataclass(frozen=True, slots=True)
class Status:
    """How a webhook is doing, and its deliveries of the last 30 days."""

    state: str  # ok, failing or disabled
    waiting: int
    delivered: int
    given_up: int


def status_of(webhook: Webhook) -> Status:
    """Return how a webhook is doing."""
    counts = webhook.deliveries.aggregate(
        waiting=Count(
            "id", filter=Q(state__in=[WebhookDelivery.State.WAITING, WebhookDelivery.State.CLAIMED])
        ),
        delivered=Count("id", filter=Q(state=WebhookDelivery.State.DELIVERED)),
        given_up=Count("id", filter=Q(state=WebhookDelivery.State.GIVEN_UP)),
    )
    state = "disabled" if webhook.disabled_at else "failing" if webhook.failures else "ok"
    return Status(state, **counts)


def test(webhook: Webhook, now: datetime) -> int:
    """Send a webhook a signed event called `test`, at once; return its 2xx status, or raise."""
    stamp = int(now.timestamp() * 1_000_000)
    body = f'{{"type":"test","timestamp":"{now.isoformat()}","data":{{}}}}'.encode()
    return post(webhook, f"msg_{links.sign('webhook-test', webhook.pk, stamp)}", body, now)


def post(webhook: Webhook, message_id: str, body: bytes, now: datetime) -> int:
    """Post a signed body to a webhook; return the 2xx status, or raise FetchError."""
    secret = sealing.unseal(webhook.sealed_secret)
    signed = signing.headers(secret, message_id, int(now.timestamp()), body)
    return http.post(webhook.url, body, signed)


def enable(webhook: Webhook) -> None:
    """Enable a webhook again; it gets the events from now on."""
    webhook.disabled_at = webhook.failing_since = webhook.retry_at = None
    webhook.failures, webhook.note = 0, ""
    webhook.save()


def _checked_url(url: str) -> str:
    """Return an address that may receive email addresses: https, or one the operator allows."""
    try:
        http.checked_url(url)
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except (http.RefusedError, ValueError) as cause:
        raise WebhookError(
            f"{url[:200]!r} is not a web address; it has to begin with https://."
        ) from cause
    if parts.username or parts.password:
        raise WebhookError("Leave out the user name and password: the signature proves who calls.")
    if _is_allowed(host, port, parts.path or "/"):
        return url.strip()
    if parts.scheme != "https":
        raise WebhookError(
            "The address has to begin with https://, because events contain email addresses."
        )
    return url.strip()


def _is_allowed(host: str, port: int, path: str) -> bool:
    """Return whether the operator allows this address; raise WebhookError for a private one."""
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    allowed = ssrf_guard.allowed(settings.DIGEST_WEBHOOK_ALLOW, http.WEBHOOK_ALLOW)
    if any(network.covers(str(ip), port, path) for network in allowed):
        return True
    if not ssrf_guard.is_public(str(ip)):
        raise WebhookError(
            f"{host} is not on the public internet; name it in DIGEST_WEBHOOK_ALLOW."
        )
    return False
