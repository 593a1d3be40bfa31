"""When an issue goes out: now, at a time, not at all. Until it has begun, that can be undone.

Two people who press at the same moment, or one who presses twice, change one row once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from digest.accounts.models import User
from digest.articles.models import Article
from digest.core import jobs
from digest.editions import approving
from digest.editions.building import hold
from digest.editions.composing import Draft, compose, snapshot
from digest.editions.desk import BY_HAND, MOST_STORIES, OPEN
from digest.editions.errors import ApprovalError, ChangedMeanwhileError, EditionError
from digest.editions.models import Edition, Story
from digest.newsletters.models import Cadence, Newsletter

State = Edition.State
FURTHEST = timedelta(days=90)
MOMENT = timedelta(seconds=1)
MANUAL = Edition.Kind.MANUAL


def send_now(edition: Edition, revision: int, now: datetime) -> Edition:
    """Let an issue go to everyone, after the seconds in which it can be undone.

    Pressed again, it is on its way already, and nothing changes. Raises EditionError if it can't
    go, ApprovalError if it has to be approved first.
    """
    return _send_at(edition, revision, now + timedelta(seconds=_pause(edition)), now)


def send_at(edition: Edition, revision: int, at: datetime, now: datetime) -> Edition:
    """Let an issue go to everyone at a moment (aware); raises as `send_now` does."""
    if not now < at <= now + FURTHEST:
        raise EditionError(f"Choose a time within the next {FURTHEST.days} days.")
    return _send_at(edition, revision, at, now)


def undo(edition: Edition, now: datetime) -> Edition:
    """Take "send" back while nothing has left; the issue goes at its slot, or waits at the desk."""
    with _held(edition) as locked:
        if locked.state not in OPEN or locked.planned_at or not locked.send_at:
            raise EditionError("It is too late: the issue is on its way. Pause or cancel it.")
        if locked.send_at <= now:
            raise EditionError("It is too late: the issue is on its way. Pause or cancel it.")
        locked.send_at = None
        scheduled = locked.kind != MANUAL and locked.slot > now
        if not scheduled:
            locked.state = State.DRAFT
    return locked


def skip(edition: Edition, now: datetime, reason: str = "Skipped by an editor.") -> Edition:
    """Let an issue not go out; its stories may be in the next one."""
    with _held(edition) as locked:
        if locked.state not in OPEN or locked.planned_at:
            raise EditionError(f"It cannot be skipped: it is {locked.get_state_display()}.")
        locked.state, locked.reason, locked.finished_at = State.SKIPPED, reason, now
    return locked


def start(
    newsletter: Newsletter,
    key: str,
    by: User,
    now: datetime,
    *,
    articles: Sequence[Article] = (),
    only_topics: Sequence[str] = (),
) -> Edition:
    """Lay an issue outside the schedule on the desk: of these articles, or of what is new now.

    `key` names the wish: asked for twice, it is made once. Of what is new there is one at a time:
    whoever asks while it lies on the desk is led to it. Raises EditionError if there is nothing for
    it, or no such topic.
    """
    with transaction.atomic():
        hold(newsletter)
        if there := _there(newsletter, key, articles, only_topics):
            return there
        made = _chosen(newsletter, articles, now) if articles else _new(newsletter, now)
        edition = made.edition
        edition.state, edition.start_key, edition.changed_by = State.DRAFT, key, by
        edition.slot = _free_slot(newsletter, now)
        edition.only_topics = _topics(newsletter, only_topics)
        edition.save()
        Story.objects.bulk_create(made.stories)
    return edition


def _there(
    newsletter: Newsletter, key: str, articles: Sequence[Article], only_topics: Sequence[str]
) -> Edition | None:
    """Return the issue that this wish made, or another's of what is new that waits to be sent."""
    if made := Edition.objects.filter(start_key=key).first():
        if made.newsletter_id != newsletter.pk:
            raise EditionError("This was asked for another newsletter. Look at the page again.")
        return made
    if articles:
        return None
    waiting = newsletter.editions.filter(kind=MANUAL, state=State.DRAFT, start_key__isnull=False)
    alike = waiting.filter(only_topics=sorted(set(only_topics)))
    picked = Story.objects.filter(edition=OuterRef("pk")).exclude(reason=BY_HAND)
    return alike.filter(Exists(picked)).order_by("pk").last()


def _send_at(edition: Edition, revision: int, at: datetime, now: datetime) -> Edition:
    with _held(edition) as locked:
        if locked.planned_at or (locked.send_at and locked.send_at <= now):
            return locked
        if locked.state not in OPEN:
            raise EditionError(f"It cannot be sent: it is {locked.get_state_display()}.")
        if locked.revision != revision:
            raise ChangedMeanwhileError("Somebody changed this issue meanwhile. Look at it again.")
        if not locked.stories.exists():
            raise EditionError("There is no story in it.")
        if approving.is_needed(locked):
            raise ApprovalError("It has to be approved first.")
        if locked.state == State.BUILT and locked.send_at and at > locked.send_at:
            return locked  # somebody else pressed a moment before
        locked.state, locked.send_at, locked.reason = State.BUILT, at, ""
        jobs.enqueue(jobs.PLAN_EDITIONS)
    return locked


def _pause(edition: Edition) -> int:
    return Newsletter.objects.values_list("undo_seconds", flat=True).get(pk=edition.newsletter_id)


@contextmanager
def _held(edition: Edition) -> Iterator[Edition]:
    with transaction.atomic():
        rows = Edition.objects.select_for_update(of=("self",))
        locked = rows.select_related("newsletter__publication", "appeal").get(pk=edition.pk)
        yield locked
        locked.save()


def _new(newsletter: Newsletter, now: datetime) -> Draft:
    made = compose(newsletter, now.replace(microsecond=0), now, MANUAL, Cadence.EVERY)
    if made.edition.state == State.SKIPPED:
        raise EditionError(f"There is nothing to send: {made.edition.reason}")
    return made


def _chosen(newsletter: Newsletter, articles: Sequence[Article], now: datetime) -> Draft:
    if len(articles) > MOST_STORIES:
        raise EditionError(f"An issue holds {MOST_STORIES} stories at most.")
    for article in articles:
        if article.retracted_at:
            raise EditionError(f"“{article.title}” was retracted.")
    made = compose(newsletter, now.replace(microsecond=0), now, MANUAL, Cadence.EVERY)
    made.edition.reason, made.edition.finished_at = "", None
    sections = newsletter.sections.order_by("position")
    section = sections.exclude(kind="topic").first() or sections.first()
    title = section.title if section else newsletter.name
    stories = [
        snapshot(made.edition, position, article, title, BY_HAND)
        for position, article in enumerate(dict.fromkeys(articles))
    ]
    for story in stories:
        story.pinned = True
    return Draft(made.edition, stories, made.selection)


def _free_slot(newsletter: Newsletter, now: datetime) -> datetime:
    """Return a slot near `now` that no edition has."""
    slot = now.replace(microsecond=0)
    while newsletter.editions.filter(slot=slot, cadence=Cadence.EVERY).exists():
        slot += MOMENT
    return slot


def _topics(newsletter: Newsletter, wanted: Sequence[str]) -> list[str]:
    known = set(newsletter.sections.filter(kind="topic").values_list("title", flat=True))
    if unknown := set(wanted) - known:
        raise EditionError(f"{newsletter} has no topic called {', '.join(sorted(unknown))}.")
    return sorted(set(wanted))
