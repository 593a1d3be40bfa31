"""From a notice's row to the letter it stands for, with its links; None once nobody needs it.

The ids in the row are looked up at the moment of sending: what was confirmed, undone or suppressed
meanwhile is not asked about any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from digest.core import addresses, clock, links, sealing
from digest.issues.models import Issue, Story
from digest.newsletters import invitations
from digest.newsletters.models import Invitation, Newsletter
from digest.notices.models import Notice
from digest.relays.models import PausedDomain
from digest.rendering import letters
from digest.rendering.notice import Letter
from digest.subscribers.models import AddressChange, Subscription
from digest.subscribers.suppression import is_stopped

CONFIRM_LASTS = timedelta(days=7)
CHANGE_LASTS = timedelta(days=1)
UNDO_LASTS = timedelta(days=7)
FRESH_LASTS = timedelta(days=1)

Kind = Notice.Kind


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, what its links lead to, and how to leave what it is context."""

    letter: Letter
    links: Mapping[str, str]
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""


def written(notice: Notice, now: datetime) -> Written | None:
    """Return what a notice says at `now`, or None if it should not be sent any more."""
    # Who asked never to be mailed by us may still have to get into the console.
    if notice.kind != Kind.ACCOUNT and is_stopped(addresses.parse(notice.email).key):
        return None
    return _WRITERS[Kind(notice.kind)](notice, now)


def _confirm(notice: Notice, now: datetime) -> Written | None:
    """Ask about what still waits for the subscriber's word."""
    settled = Subscription.objects.filter(
        subscriber=notice.subscriber_id, state=Subscription.State.ACTIVE
    )
    open_wishes = _newsletters(notice).exclude(pk__in=settled.values("newsletter"))
    asked = list(open_wishes)
    if not asked or notice.subscriber_id is None:
        return None
    token = links.sign_until(
        "confirm", now + CONFIRM_LASTS, notice.subscriber_id, *(one.pk for one in asked)
    )
    by_mail = _by_mail(token)
    return Written(
        letters.confirm(asked, notice.publication, notice.language, by_mail=bool(by_mail)),
        {letters.CONFIRM: links.absolute(f"/confirm/{token}"), letters.BY_MAIL: by_mail},
    )


def _by_mail(token: str) -> str:
    """Return the mailto link that confirms, if mail is read and its local part is not too long."""
    domain, local = settings.DIGEST_INBOUND_DOMAIN, f"confirm+{token}"
    fits = domain and len(local) <= 64  # RFC 5321 §4.5.3.1.1
    return f"mailto:{local}@{domain}?subject=confirm" if fits else ""


def _welcome(notice: Notice, _now: datetime) -> Written | None:
    found = list(_newsletters(notice))
    if not found or notice.subscriber_id is None:
        return None
    link = links.SubscriberLink(notice.subscriber_id, found[0].pk, 0)
    leave, mailto = links.ways_out(link)
    return Written(
        letters.welcome(found, notice.language, _latest(found)),
        {letters.PREFERENCES: _preferences(notice), letters.UNSUBSCRIBE: leave},
        unsubscribe_url=leave,
        unsubscribe_mailto=mailto,
    )


def _latest(newsletters: list[Newsletter]) -> list[Story]:
    """Return the stories of the latest issue that went out, where the newsletter shows them."""
    showing = [one.pk for one in newsletters if one.welcome_with_latest]
    sent = Issue.objects.filter(
        newsletter__in=showing, state__in=[Issue.State.SENDING, Issue.State.SENT]
    )
    # By subscribers' clocks, one that goes out may come to the new subscriber by itself.
    sent = sent.exclude(newsletter__send_in_local_time=True, state=Issue.State.SENDING)
    latest = sent.order_by("-slot").first()
    return list(latest.stories.filter(retracted_at=None)) if latest else []


def _link(notice: Notice, now: datetime) -> Written | None:
    if notice.subscriber_id is None:
        return None
    url = links.fresh_preferences_url(
        notice.subscriber_id, notice.publication_id, now + FRESH_LASTS
    )
    return Written(
        letters.preferences_link(notice.publication, notice.language), {letters.PREFERENCES: url}
    )


def _change(notice: Notice, now: datetime) -> Written | None:
    change = AddressChange.objects.filter(pk=notice.context["change"], confirmed_at=None).first()
    if change is None:
        return None
    token = links.sign_until("change", now + CHANGE_LASTS, change.pk)
    return Written(
        letters.change(notice.publication, notice.language),
        {letters.CONFIRM: links.absolute(f"/change/{token}")},
    )


def _changed(notice: Notice, now: datetime) -> Written | None:
    token = links.sign_until("change-undo", now + UNDO_LASTS, notice.context["change"])
    return Written(
        letters.changed(notice.publication, notice.language),
        {letters.CONFIRM: links.absolute(f"/change/{token}")},
    )


def _left(notice: Notice, _now: datetime) -> Written | None:
    found = _newsletters(notice).first()
    if found is None or notice.subscriber_id is None:
        return None
    return Written(
        letters.left(found, notice.language), {letters.PREFERENCES: _preferences(notice)}
    )


def _help(notice: Notice, _now: datetime) -> Written | None:
    offered = notice.publication.newsletters.filter(active=True, listed=True).order_by("name")
    found = list(offered)
    links_to = {letters.SUBSCRIBE: links.absolute(f"/subscribe/{found[0].slug}")} if found else {}
    domain = settings.DIGEST_INBOUND_DOMAIN
    return Written(letters.helping(found, notice.publication, domain, notice.language), links_to)


def _paused(notice: Notice, now: datetime) -> Written | None:
    found = PausedDomain.objects.filter(pk=notice.context["paused"], until__gt=now).first()
    if found is None:
        return None
    until = clock.format_moment(found.until, clock.zone(notice.publication.timezone))
    letter = letters.paused(found.domain, found.relay.name, until, found.reason, notice.language)
    return Written(letter, {})


def _account(notice: Notice, now: datetime) -> Written | None:
    context = notice.context
    if number := context.get("invitation"):
        return _invitation(notice, number, now)
    if sealed := context.get("reset"):
        return Written(letters.reset(), {letters.CONFIRM: sealing.unseal(sealed)})
    zone = clock.zone(notice.publication.timezone)
    at = clock.format_moment(notice.created_at, zone)
    return Written(letters.account_changed(context["change"], at, context.get("ip", "")), {})


def _invitation(notice: Notice, number: int, now: datetime) -> Written | None:
    found = Invitation.objects.filter(pk=number, accepted_at=None, revoked_at=None).first()
    if found is None or found.created_at + invitations.LASTS <= now:
        return None
    where = found.publication.name if found.publication else notice.publication.name
    by = str(found.invited_by) if found.invited_by else where
    letter = letters.invitation(where, by, found.get_role_display())
    return Written(letter, {letters.CONFIRM: invitations.link(found)})


_WRITERS: dict[Notice.Kind, Callable[[Notice, datetime], Written | None]] = {
    Kind.CONFIRM: _confirm,
    Kind.WELCOME: _welcome,
    Kind.LINK: _link,
    Kind.CHANGE: _change,
    Kind.CHANGED: _changed,
    Kind.LEFT: _left,
    Kind.HELP: _help,
    Kind.PAUSED: _paused,
    Kind.ACCOUNT: _account,
}


def _newsletters(notice: Notice) -> QuerySet[Newsletter]:
    ids = notice.context.get("newsletters", ())
    return Newsletter.objects.filter(pk__in=ids).select_related("publication").order_by("pk")


def _preferences(notice: Notice) -> str:
    return links.preferences_url(notice.subscriber_id or 0, notice.publication_id)
