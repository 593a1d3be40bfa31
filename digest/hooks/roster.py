"""Hooks: add, find, test, enable, remove."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q

from digest.core import guard, http, links, sealing
from digest.core.errors import DigestError
from digest.hooks import signing
from digest.hooks.models import Event, WebHook, Word
from digest.newsletters.models import Publication

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class HookError(DigestError):
    """A hook cannot be as asked for."""


def add(
    name: str,
    url: str,
    events: Iterable[str],
    *,
    now: datetime,
    publication: Publication | None = None,
) -> tuple[WebHook, str]:
    """Tell an address of events from now on; return the hook, and the secret that it signs with.

    Raises HookError for a name that is taken, an unknown event, or an address that won't do.
    """
    if not _NAME.fullmatch(name) or len(name) > 64:
        raise HookError(f"{name!r} cannot be a name; use a-z, 0-9 and hyphens.")
    secret = signing.new_secret()
    hook = WebHook(
        name=name,
        url=_address(url),
        sealed_secret=sealing.seal(secret),
        events=_known(events),
        publication=publication,
        created_at=now,
    )
    try:
        with transaction.atomic():
            hook.save()
    except IntegrityError as cause:
        raise HookError(f"There is a hook {name!r} already.") from cause
    return hook, secret


def find(name: str) -> WebHook:
    """Return a hook; raise HookError if there is none."""
    if found := WebHook.objects.filter(name=name).first():
        return found
    raise HookError(f"There is no hook {name!r}. `digest hook list` shows them.")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a hook is doing, and how many words it was told or is still to be told."""

    state: str  # ok, failing or disabled
    waiting: int
    told: int  # of the last `telling.KEPT`, as what was given up
    given_up: int


def standing(hook: WebHook) -> Standing:
    """Return how a hook is doing."""
    counts = hook.words.aggregate(
        waiting=Count("id", filter=Q(state__in=[Word.State.WAITING, Word.State.CLAIMED])),
        told=Count("id", filter=Q(state=Word.State.TOLD)),
        given_up=Count("id", filter=Q(state=Word.State.GIVEN_UP)),
    )
    state = "disabled" if hook.disabled_at else "failing" if hook.failures else "ok"
    return Standing(state, **counts)


def test(hook: WebHook, now: datetime) -> int:
    """Send a hook a signed event called `test`, at once; return its 2xx status, or raise."""
    stamp = int(now.timestamp() * 1_000_000)
    body = f'{{"type":"test","timestamp":"{now.isoformat()}","data":{{}}}}'.encode()
    return send(hook, f"msg_{links.sign('hook-test', hook.pk, stamp)}", body, now)


def send(hook: WebHook, message_id: str, body: bytes, now: datetime) -> int:
    """Post a signed body to a hook; return the 2xx status, or raise FetchError."""
    secret = sealing.unseal(hook.sealed_secret)
    signed = signing.headers(secret, message_id, int(now.timestamp()), body)
    return http.post(hook.url, body, signed)


def enable(hook: WebHook) -> None:
    """Let a hook be told again, from what happens now on."""
    hook.disabled_at = hook.failing_since = hook.retry_at = None
    hook.failures, hook.note = 0, ""
    hook.save()


def _known(events: Iterable[str]) -> list[str]:
    given = set(events)
    if unknown := sorted(given - set(Event)):
        raise HookError(f"{unknown[0]!r} is no event. There are: {', '.join(Event)}.")
    if not given:
        raise HookError(f"Say which events: {', '.join(Event)}.")
    return [event.value for event in Event if event in given]


def _address(url: str) -> str:
    """Return an address that mail addresses may be sent to: https, or one that is excepted."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as cause:
        raise HookError(f"{url[:200]!r} is no web address.") from cause
    if parts.scheme not in {"http", "https"} or not host or len(url) > http.MAX_URL:
        raise HookError(f"{url[:200]!r} is no web address; it has to begin with https://.")
    if parts.username or parts.password:
        raise HookError("Leave name and password out: the signature says who calls.")
    if _is_excepted(host, port):
        return url.strip()
    if parts.scheme != "https":
        raise HookError("Readers' addresses go there: it has to begin with https://.")
    return url.strip()


def _is_excepted(host: str, port: int) -> bool:
    """Say whether the operator named this address; raise HookError for one that is nobody's."""
    try:
        ip = ip_address(host)
    except ValueError:
        return False
    if any(one.covers(str(ip), port) for one in guard.allowed(settings.DIGEST_FETCH_ALLOW)):
        return True
    if not guard.is_public(str(ip)):
        raise HookError(f"{host} is not on the public internet; name it in DIGEST_FETCH_ALLOW.")
    return False
