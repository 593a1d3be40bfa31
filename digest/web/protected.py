"""Who may read a protected issue of the archive: by a cookie that a password or a link has set.

A cookie belongs to one newsletter's archive, and to one way in. It names the subscriber, who has to
be subscribed still, or the password, which has to be the present one: a change of either ends it.
"""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from digest.core import client_ip, links
from digest.core.errors import LinkError
from digest.core.rate_limits import limiter, parse_limit
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.subscribers.audience import is_member
from digest.subscribers.errors import TooManyError
from digest.subscribers.models import Subscriber, Subscription
from digest.web.archive_entries import Entry

LASTS = timedelta(days=30)
GUESSES = "10/hour"  # of a password that are wrong, by one client
_BY_PASSWORD, _BY_LINK = "archive-password", "archive-subscriber"  # purposes of signatures
_SEPARATOR = "."


def access_of(entry: Entry) -> ArchiveAccess:
    """Return who may read an entry of the archive; what came from elsewhere is like the others."""
    own = getattr(entry, "archive_access", "")
    return ArchiveAccess(own or entry.newsletter.archive_access)


def may_read(request: HttpRequest, entry: Entry, now: datetime) -> bool:
    """Say whether the sender of a request may read an entry."""
    access, newsletter = access_of(entry), entry.newsletter
    if access == ArchiveAccess.PUBLIC:
        return True
    by = _BY_PASSWORD if access == ArchiveAccess.PASSWORD else _BY_LINK
    kind, _, token = request.COOKIES.get(_name(newsletter, by), "").partition(_SEPARATOR)
    if access == ArchiveAccess.PASSWORD:
        return kind == _BY_PASSWORD and _is_present_password(token, newsletter, now)
    return kind == _BY_LINK and _is_recipient(token, newsletter, now)


def enter_password(request: HttpRequest, newsletter: Newsletter, password: str) -> bool:
    """Say whether it is the password; only what is wrong counts, as many share one address.

    Raises TooManyError where too many were wrong, right or not, and redis.RedisError.
    """
    counts, limit = limiter("archive"), parse_limit(GUESSES, "the limit of guesses")
    key = (str(newsletter.pk), client_ip.counted_as(client_ip.address(request) or ""))
    if not counts.allows(limit, *key):
        raise TooManyError(counts.seconds_left(limit, *key))
    if newsletter.is_archive_password(password):
        return True
    counts.hit(limit, *key)
    return False


def remember_password(response: HttpResponse, newsletter: Newsletter, now: datetime) -> None:
    """Let whoever entered the password read for a while."""
    token = links.sign_until(_BY_PASSWORD, now + LASTS, newsletter.pk, _password_number(newsletter))
    _set_cookie(response, newsletter, _BY_PASSWORD, token)


def remember_subscriber(
    response: HttpResponse, subscriber: Subscriber, newsletter: Newsletter, now: datetime
) -> None:
    """Let a subscriber who followed a link in their mailbox read for a while."""
    token = links.sign_rows_until(_BY_LINK, now + LASTS, subscriber, newsletter)
    _set_cookie(response, newsletter, _BY_LINK, token)


def is_recipient(subscriber_id: int, newsletter: Newsletter, now: datetime) -> bool:
    """Say whether a subscriber receives a newsletter, as a member where it is for members."""
    return is_subscribed(subscriber_id, newsletter) and is_member(subscriber_id, newsletter, now)


def is_subscribed(subscriber_id: int, newsletter: Newsletter) -> bool:
    """Say whether a subscriber subscribes, member or not."""
    rows = Subscription.objects.filter(subscriber=subscriber_id, newsletter=newsletter)
    return rows.filter(state=Subscription.State.ACTIVE).exists()


def _is_present_password(token: str, newsletter: Newsletter, now: datetime) -> bool:
    try:
        ids = links.read_until(_BY_PASSWORD, token, now)
    except LinkError:
        return False
    return ids == (newsletter.pk, _password_number(newsletter))


def _is_recipient(token: str, newsletter: Newsletter, now: datetime) -> bool:
    try:
        link, _ = links.read_rows_until(_BY_LINK, token, now, count=2)
    except LinkError:
        return False
    subscriber = Subscriber.objects.filter(pk=link.ids[0]).first()
    if link.expired or subscriber is None or not link.matches(subscriber, newsletter):
        return False
    return is_recipient(subscriber.pk, newsletter, now)


def _password_number(newsletter: Newsletter) -> int:
    """Return a number that only the present password has; its hash has a random salt."""
    digest = hashlib.sha256(newsletter.archive_password.encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _name(newsletter: Newsletter, kind: str) -> str:
    """Return the name of a cookie: issues of one archive may be protected in both ways."""
    name = f"digest-archive-{newsletter.pk}"
    return f"{name}-password" if kind == _BY_PASSWORD else name


def _set_cookie(response: HttpResponse, newsletter: Newsletter, kind: str, token: str) -> None:
    response.set_cookie(
        _name(newsletter, kind),
        f"{kind}{_SEPARATOR}{token}",
        max_age=LASTS,
        path=f"/archive/{newsletter.slug}",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
