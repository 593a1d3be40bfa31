"""What each kind of notice says: the letter, with its links.

The ids in its context are looked up at the moment of sending: a notice whose matter was settled in
the meantime has no letter and is not sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse

from digest.accounts.models import User
from digest.accounts.topics import NewsroomEvent
from digest.articles.models import Source
from digest.core import addresses, clock, links
from digest.issues.models import Issue, Story
from digest.issues.window import latest_issue, stories_for_everyone
from digest.newsletters import invitations, members
from digest.newsletters.members import Right
from digest.newsletters.models import Invitation, Newsletter, Publication
from digest.notices import event_letters, warning_letters
from digest.notices.models import Notice
from digest.relays.models import PausedDomain
from digest.rendering import letters
from digest.rendering.notice import Letter
from digest.subscribers.audience import is_member
from digest.subscribers.models import AddressChange, Subscriber, Subscription
from digest.subscribers.suppression import is_suppressed_everywhere

CONFIRM_LASTS = timedelta(days=7)
CHANGE_LASTS = timedelta(days=1)
UNDO_LASTS = timedelta(days=7)
FRESH_LASTS = timedelta(days=1)
MOST_ISSUES = 10  # that one letter tells of

Kind = Notice.Kind


@dataclass(frozen=True, slots=True)
class WrittenNotice:
    """A letter, where its links lead, and how to unsubscribe from what it is part of."""

    letter: Letter
    links: Mapping[str, str]
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""


def write_letter(notice: Notice, now: datetime) -> WrittenNotice | None:
    """Return what a notice says at `now`; None if it is no longer wanted."""
    # A suppressed address may still belong to somebody who has to get into the console.
    if notice.kind != Kind.ACCOUNT and is_suppressed_everywhere(addresses.parse(notice.email).key):
        return None
    return _WRITERS[Kind(notice.kind)](notice, now)


def _confirm(notice: Notice, now: datetime) -> WrittenNotice | None:
    """Ask for confirmation of the subscriptions that are still pending."""
    active = Subscription.objects.filter(
        subscriber=notice.subscriber_id, state=Subscription.State.ACTIVE
    )
    pending = list(_newsletters(notice).exclude(pk__in=active.values("newsletter")))
    if not pending or notice.subscriber is None:
        return None
    token = links.sign_rows_until("confirm", now + CONFIRM_LASTS, notice.subscriber, *pending)
    mailto = _confirm_mailto(token)
    return WrittenNotice(
        letters.confirm(pending, notice.publication, notice.language, by_mail=bool(mailto)),
        {letters.CONFIRM: links.Page.CONFIRM.url(token=token), letters.BY_MAIL: mailto},
    )


def _confirm_mailto(token: str) -> str:
    """Return the mailto link that confirms, if mail is read and its local part is not too long."""
    domain, local = settings.DIGEST_INBOUND_DOMAIN, f"confirm+{token}"
    fits = domain and len(local) <= 64  # RFC 5321 §4.5.3.1.1
    return f"mailto:{local}@{domain}?subject=confirm" if fits else ""


def _welcome(notice: Notice, now: datetime) -> WrittenNotice | None:
    newsletters = list(_active_newsletters(notice))
    if not newsletters or notice.subscriber is None:
        return None
    unsubscribe_url, mailto = links.ways_out(notice.subscriber, newsletters[0])
    waiting = {row.pk for row in newsletters if not is_member(notice.subscriber.pk, row, now)}
    stories = _latest_stories([row for row in newsletters if row.pk not in waiting])
    return WrittenNotice(
        letters.welcome(newsletters, notice.language, stories, waiting),
        {
            letters.PREFERENCES: _preferences(notice, notice.subscriber),
            letters.UNSUBSCRIBE: unsubscribe_url,
        },
        unsubscribe_url=unsubscribe_url,
        unsubscribe_mailto=mailto,
    )


def _latest_stories(newsletters: list[Newsletter]) -> list[Story]:
    """Return the stories of the latest issue that went out, where the newsletter shows them.

    Only what every subscriber was sent: no issue and no block for some of them.
    """
    showing = [newsletter.pk for newsletter in newsletters if newsletter.welcome_with_latest]
    latest = latest_issue(showing)
    if latest is None:
        return []
    stories = stories_for_everyone(latest)
    return list(stories.select_related("issue__newsletter").prefetch_related("links"))


def _link(notice: Notice, now: datetime) -> WrittenNotice | None:
    if notice.subscriber is None:
        return None
    key = addresses.parse(notice.email).key
    url = links.fresh_preferences_url(notice.subscriber, notice.publication, key, now + FRESH_LASTS)
    return WrittenNotice(
        letters.preferences_link(notice.publication, notice.language), {letters.PREFERENCES: url}
    )


def _read(notice: Notice, now: datetime) -> WrittenNotice | None:
    """Return the link that opens the past issues of a newsletter to its subscriber."""
    newsletter = _active_newsletters(notice).first()
    if newsletter is None or notice.subscriber is None:
        return None
    token = links.sign_rows_until("read", now + FRESH_LASTS, notice.subscriber, newsletter)
    url = f"{links.Page.READ.url(token=token)}?issue={notice.context['issue']}"
    return WrittenNotice(letters.past_issues(newsletter, notice.language), {letters.CONFIRM: url})


def _change(notice: Notice, now: datetime) -> WrittenNotice | None:
    open_changes = AddressChange.objects.filter(confirmed_at=None)
    url = _change_url(notice, open_changes, "change", now + CHANGE_LASTS)
    letter = letters.address_change(notice.publication, notice.language)
    return WrittenNotice(letter, {letters.CONFIRM: url}) if url else None


def _changed(notice: Notice, now: datetime) -> WrittenNotice | None:
    url = _change_url(notice, AddressChange.objects.all(), "change-undo", now + UNDO_LASTS)
    letter = letters.address_changed(notice.publication, notice.language)
    return WrittenNotice(letter, {letters.CONFIRM: url}) if url else None


def _change_url(
    notice: Notice, changes: QuerySet[AddressChange], purpose: str, until: datetime
) -> str:
    """Return the link to the notice's address change; "" if it is not among `changes`."""
    change = changes.filter(pk=notice.context["change"]).first()
    if change is None:
        return ""
    return links.Page.CHANGE.url(token=links.sign_rows_until(purpose, until, change))


def _left(notice: Notice, _now: datetime) -> WrittenNotice | None:
    newsletter = _newsletters(notice).first()
    if newsletter is None or notice.subscriber is None:
        return None
    return WrittenNotice(
        letters.unsubscribed(newsletter, notice.language),
        {letters.PREFERENCES: _preferences(notice, notice.subscriber)},
    )


def _stay(notice: Notice, _now: datetime) -> WrittenNotice | None:
    newsletter = _active_newsletters(notice).first()
    if newsletter is None or notice.subscriber is None:
        return None
    token = links.sign_rows("stay", notice.subscriber, newsletter)
    unsubscribe_url, mailto = links.ways_out(notice.subscriber, newsletter)
    return WrittenNotice(
        letters.question_to_stay(newsletter, notice.language),
        {
            letters.CONFIRM: links.Page.STAY.url(token=token),
            letters.UNSUBSCRIBE: unsubscribe_url,
        },
        unsubscribe_url=unsubscribe_url,
        unsubscribe_mailto=mailto,
    )


def _help(notice: Notice, _now: datetime) -> WrittenNotice | None:
    listed = notice.publication.newsletters.open_to_all().order_by("name")
    newsletters = list(listed)
    urls = {}
    if newsletters:
        urls[letters.SUBSCRIBE] = links.Page.SUBSCRIBE.url(slug=newsletters[0].slug)
    domain = settings.DIGEST_INBOUND_DOMAIN
    return WrittenNotice(
        letters.email_commands(newsletters, notice.publication, domain, notice.language), urls
    )


def _paused(notice: Notice, now: datetime) -> WrittenNotice | None:
    """Say that a domain refuses mail; its reply, which may name any subscriber, to some alone."""
    paused = PausedDomain.objects.filter(pk=notice.context["paused"], until__gt=now).first()
    if paused is None:
        return None
    until = clock.format_moment(paused.until, clock.zone(notice.publication.timezone))
    letter = warning_letters.domain_paused(
        paused.domain, paused.relay.name, until, _visible_reply(paused, notice), notice.language
    )
    return WrittenNotice(letter, {})


def _visible_reply(paused: PausedDomain, notice: Notice) -> str:
    """Return a server's reply for somebody who sees the subscribers of every publication."""
    user = User.objects.with_address(notice.email).filter(is_active=True).first()
    ids = members.publication_ids(user, Right.SUBSCRIBERS) if user else frozenset()
    sees_all = ids is None or not Publication.objects.exclude(pk__in=ids).exists()
    return paused.reason if sees_all else ""


def _drop(notice: Notice, _now: datetime) -> WrittenNotice | None:
    """Say which destinations took a newsletter worse than before; the context has numbers."""
    newsletter = _newsletters(notice).first()
    if newsletter is None:
        return None
    url = links.absolute(reverse("deliverability"))
    letter = warning_letters.drops_noticed(newsletter, notice.context["drops"], notice.language)
    return WrittenNotice(letter, {letters.DELIVERABILITY: url})


def _event(notice: Notice, _now: datetime) -> WrittenNotice | None:
    """Say what happened to issues or a source; nothing of what is over by now."""
    event = NewsroomEvent(notice.context["event"])
    if event is NewsroomEvent.SOURCE:
        return _source_event(notice)
    if event is NewsroomEvent.WEBHOOK:
        letter = event_letters.of_webhook(notice.context["webhook"], notice.language)
        url = links.absolute(reverse("webhooks"))
        return WrittenNotice(letter, {event_letters.CONSOLE: url})
    issues = list(
        Issue.objects.filter(pk__in=notice.context["issues"], state=_TOLD_STATES[event])
        .select_related("newsletter__publication")
        .order_by("slot")[:MOST_ISSUES]
    )
    if not issues:
        return None
    zone = clock.zone(notice.publication.timezone)
    lines = [
        (f"{clock.format_moment(row.goes_at, zone)} {row.subject}".strip(), row.reason)
        for row in issues
    ]
    letter = event_letters.of_issues(event, issues[0].newsletter.name, lines, notice.language)
    name, arguments = ("issue:detail", [issues[0].pk]) if len(issues) == 1 else ("issue:list", [])
    return WrittenNotice(
        letter, {event_letters.CONSOLE: links.absolute(reverse(name, args=arguments))}
    )


def _source_event(notice: Notice) -> WrittenNotice | None:
    sources = Source.objects.filter(switched_off_at__isnull=False)
    source = sources.filter(pk=notice.context["source"]).first()
    if source is None:
        return None
    letter = event_letters.of_source(source.title or source.url, source.problem, notice.language)
    url = links.absolute(reverse("source", args=[source.pk]))
    return WrittenNotice(letter, {event_letters.CONSOLE: url})


_TOLD_STATES = {
    NewsroomEvent.WAITING: Issue.State.DRAFT,
    NewsroomEvent.SKIPPED: Issue.State.SKIPPED,
    NewsroomEvent.FAILED: Issue.State.PAUSED,
}


def _account(notice: Notice, now: datetime) -> WrittenNotice | None:
    context = notice.context
    if number := context.get("invitation"):
        return _invitation(notice, number, now)
    if context.get("forgotten"):
        return _password_reset(notice)
    zone = clock.zone(notice.publication.timezone)
    at = clock.format_moment(notice.created_at, zone)
    return WrittenNotice(letters.account_changed(context["change"], at, context.get("ip", "")), {})


def _password_reset(notice: Notice) -> WrittenNotice | None:
    """Return the link to a new password; None if the address has no account.

    The link is made only now, so no table has it.
    """
    if (user := User.objects.with_address(notice.email).filter(is_active=True).first()) is None:
        return None
    names = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    url = links.absolute(reverse("account_reset_password_from_key", kwargs=names))
    return WrittenNotice(letters.password_reset(), {letters.CONFIRM: url})


def _invitation(notice: Notice, number: int, now: datetime) -> WrittenNotice | None:
    invitation = Invitation.objects.filter(pk=number, accepted_at=None, revoked_at=None).first()
    if invitation is None or invitation.created_at + invitations.VALID_FOR <= now:
        return None
    publication = invitation.publication or notice.publication
    inviter = str(invitation.invited_by or publication.name)
    letter = letters.invitation(publication.name, inviter, invitation.get_role_display())
    return WrittenNotice(letter, {letters.CONFIRM: invitations.accept_url(invitation)})


_WRITERS: dict[Notice.Kind, Callable[[Notice, datetime], WrittenNotice | None]] = {
    Kind.CONFIRM: _confirm,
    Kind.WELCOME: _welcome,
    Kind.LINK: _link,
    Kind.READ: _read,
    Kind.CHANGE: _change,
    Kind.CHANGED: _changed,
    Kind.LEFT: _left,
    Kind.HELP: _help,
    Kind.STAY: _stay,
    Kind.PAUSED: _paused,
    Kind.DROP: _drop,
    Kind.EVENT: _event,
    Kind.ACCOUNT: _account,
}


def _newsletters(notice: Notice) -> QuerySet[Newsletter]:
    ids = notice.context.get("newsletters", ())
    return Newsletter.objects.filter(pk__in=ids).select_related("publication").order_by("pk")


def _active_newsletters(notice: Notice) -> QuerySet[Newsletter]:
    """Return those that the subscriber still receives: they may have left since it was queued."""
    subscriptions = Subscription.objects.filter(
        subscriber=notice.subscriber_id, state=Subscription.State.ACTIVE
    )
    return _newsletters(notice).filter(pk__in=subscriptions.values("newsletter"))


def _preferences(notice: Notice, subscriber: Subscriber) -> str:
    return links.preferences_url(subscriber, notice.publication)
