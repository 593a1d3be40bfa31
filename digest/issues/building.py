"""Build issues: find slots that are due, select, and freeze what was selected.

A slot makes one issue whatever happens: a lock on the newsletter orders builders, and the
database's UNIQUE (newsletter, slot, cadence) has the last word. The last slot of a day or week
makes one more for those who read by the day or week, if there are any.

Where a newsletter is sent by its subscribers' clocks, an issue is built before its slot: as soon as
that local time has come to any of them.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from digest.articles import storing
from digest.core import clock, jobs
from digest.core.database import locks
from digest.core.database.locks import Purpose
from digest.core.errors import DigestError
from digest.issues import pictures, window
from digest.issues.composing import Draft, compose
from digest.issues.models import Block, Issue, Story
from digest.newsletters import catchup, periods, schedules, setup, zones
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, Newsletter, Pick
from digest.newsletters.schedules import Rule

log = structlog.get_logger(__name__)

_HORIZON = timedelta(days=31)  # older missed slots are not even counted
RETRACTED = "Its stories were retracted."
NOT_APPROVED = "Nobody approved it before its deadline."

State = Issue.State
# Stories that an editor picked, and that may be in another issue.
PICKED = Q(
    selected_by__kind=BlockKind.PICKED, article__isnull=False, article__retracted_at__isnull=True
)


def build_due(now: datetime | None = None) -> list[Issue]:
    """Build the issues whose slots have come; return them, the skipped ones too.

    A newsletter that cannot be built is logged and hinders no other.
    """
    now = now or clock.now()
    built: list[Issue] = []
    for newsletter in _scheduled().order_by("pk"):
        try:
            built += _build_newsletter(newsletter, now)
        except DigestError as problem:
            log.error("newsletter not built", newsletter=newsletter.slug, problem=str(problem))  # noqa: TRY400
        except Exception:
            log.exception("newsletter not built", newsletter=newsletter.slug)
    _skip_overdue(now)
    return built


@transaction.atomic
def build(
    newsletter: Newsletter,
    slot: datetime,
    now: datetime,
    kind: str = Issue.Kind.SCHEDULED,
    cadence: Cadence = Cadence.EVERY,
) -> Issue:
    """Build the issue for a slot from what is available at `now`, and return it.

    Too few stories make an issue in state SKIPPED that says why. A slot that has an issue of this
    cadence already gets no second one: the first is returned. For a manual one, the slot is the
    moment it is asked for; it is for subscribers of every cadence. One of days or weeks is for a
    newsletter with a schedule.
    """
    slot = slot.replace(microsecond=0)
    lock_newsletter(newsletter)
    if existing := newsletter.issues.filter(slot=slot, cadence=cadence).first():
        return existing
    draft = compose(newsletter, slot, now, kind, cadence)
    return _freeze(draft)


def draft(newsletter: Newsletter, now: datetime) -> Draft:
    """Return the issue that `build` would make now, unsaved."""
    return compose(newsletter, now.replace(microsecond=0), now, Issue.Kind.MANUAL, Cadence.EVERY)


@transaction.atomic
def _build_newsletter(newsletter: Newsletter, now: datetime) -> list[Issue]:
    lock_newsletter(newsletter)
    current = _scheduled().filter(pk=newsletter.pk).first()  # it may have been stopped meanwhile
    return _build_slots(current, now) if current else []


def _build_slots(newsletter: Newsletter, now: datetime) -> list[Issue]:
    built = [
        _settle(newsletter, decision, cadence, now)
        for decision in _decide(newsletter, now)
        for cadence in _cadences(newsletter, decision.slot)
    ]
    if any(issue.state == State.BUILT for issue in built):
        jobs.enqueue(jobs.PLAN_ISSUES)
    return built


def _settle(
    newsletter: Newsletter, decision: catchup.Decision, cadence: Cadence, now: datetime
) -> Issue:
    if decision.build:
        return build(newsletter, decision.slot, now, cadence=cadence)
    reason = decision.reason if cadence == Cadence.EVERY else _missed(newsletter)
    return _skip(newsletter, decision.slot, cadence, reason, now)


def _missed(newsletter: Newsletter) -> str:
    """Say what becomes of a day or week whose last slot was missed."""
    if window.makes_up(newsletter):
        return "Missed with the issue of this slot; the next one of this cadence makes up for it."
    return "Missed with the issue of this slot; this newsletter skips what it missed."


def _cadences(newsletter: Newsletter, slot: datetime) -> list[Cadence]:
    """Return the cadences with an issue at a slot: those that end at it and have subscribers."""
    rule = schedules.rule_of(newsletter.schedule)
    subscribers = _subscribers(newsletter)
    period_cadences = [
        cadence
        for cadence in (Cadence.DAILY, Cadence.WEEKLY)
        if cadence in newsletter.cadences
        and periods.ends_at(slot, cadence, rule)
        and subscribers.filter(cadence=cadence).exists()
    ]
    return [Cadence.EVERY, *period_cadences]


def _subscribers(newsletter: Newsletter) -> QuerySet[Any]:
    # Subscriptions are of a floor beside; the newsletter, which is below both, leads to them.
    return newsletter.subscriptions.filter(state="active")


def _scheduled() -> QuerySet[Newsletter]:
    scheduled = Newsletter.objects.sending().filter(schedule__isnull=False)
    return scheduled.select_related("schedule", "publication")


def _decide(newsletter: Newsletter, now: datetime) -> list[catchup.Decision]:
    """Return what becomes of each slot since the last one that was dealt with."""
    rule = schedules.rule_of(newsletter.schedule)
    issues = newsletter.issues.filter(cadence=Cadence.EVERY)
    after = settled_until(newsletter, now)
    # One created manually at the very moment of a slot is that slot's issue.
    used_slots = set(issues.filter(slot__gt=after).values_list("slot", flat=True))
    due = [slot for slot in schedules.slots(rule, after, now) if slot not in used_slots]
    review = timedelta(minutes=newsletter.review_minutes)
    if not due and newsletter.send_in_local_time:
        due = _ahead(newsletter, rule, max(after, now), used_slots, now + review)
    elif not due and review:
        due = [
            slot
            for slot in schedules.slots(rule, max(after, now), now + review)
            if slot not in used_slots
        ]
        del due[1:]  # the next one, when this one has gone
    by_subscribers = bool(due) and newsletter.send_in_local_time
    terms = catchup.Terms(
        policy=newsletter.catch_up,
        late=timedelta(minutes=newsletter.late_minutes),
        next_slot=next(iter(schedules.upcoming(rule, now, 1)), None) if due else None,
        timezone=rule.timezone,
        due_elsewhere=by_subscribers and _in_time_elsewhere(newsletter, rule, due[-1], now),
    )
    return catchup.decide(due, terms, now)


def settled_until(newsletter: Newsletter, now: datetime) -> datetime:
    """Return the moment up to which no slot is built any more: that of the last issue."""
    issues = newsletter.issues.filter(cadence=Cadence.EVERY, kind=Issue.Kind.SCHEDULED)
    last_slot = issues.aggregate(at=Max("slot"))["at"]
    until: datetime = max(filter(None, [newsletter.schedule.since, last_slot, now - _HORIZON]))
    return until


def _ahead(
    newsletter: Newsletter,
    rule: Rule,
    after: datetime,
    used_slots: Collection[datetime],
    now: datetime,
) -> list[datetime]:
    """Return the next slot, in a list, if its local time has come to a subscriber further east."""
    coming = schedules.slots(rule, after, now + zones.WIDEST)
    slot = next((slot for slot in coming if slot not in used_slots), None)
    if slot is None or not _has_room(newsletter, slot, now):
        return []
    moments = zones.times_of(slot, rule.timezone).between(slot - zones.WIDEST, now)
    return [slot] if has_subscriber_in(newsletter, moments) else []


def _has_room(newsletter: Newsletter, slot: datetime, now: datetime) -> bool:
    """Say whether an issue built ahead leaves the one before it half the time between their slots.

    Otherwise, when the first subscriber far in the east subscribes, all issues of a day would be
    built within a minute, and all but the first had no story.
    """
    issues = newsletter.issues.filter(cadence=Cadence.EVERY, kind=Issue.Kind.SCHEDULED)
    before = issues.filter(slot__lt=slot).order_by("slot").last()
    if before is None:
        return True
    missed = before.state == State.SKIPPED and before.built_at > before.slot
    built = before.slot if missed else before.built_at
    return now >= built + (slot - before.slot) / 2


def _in_time_elsewhere(newsletter: Newsletter, rule: Rule, slot: datetime, now: datetime) -> bool:
    """Return whether a slot past its deadline comes, or just came, to subscribers further west."""
    late = timedelta(minutes=newsletter.late_minutes)
    patience = catchup.patience(newsletter.catch_up, late)
    if not patience < now - slot <= patience + zones.WIDEST:
        return False
    later = zones.times_of(slot, rule.timezone).between(now - patience, slot + zones.WIDEST)
    return has_subscriber_in(newsletter, later)


def has_subscriber_in(newsletter: Newsletter, names: Collection[str]) -> bool:
    """Return whether a newsletter has an active subscriber in one of these zones."""
    # Beyond a hundred names PostgreSQL does not see by itself that the index of zones will do.
    with_zone = _subscribers(newsletter).exclude(subscriber__timezone="")
    return bool(names) and with_zone.filter(subscriber__timezone__in=names).exists()


def _skip_overdue(now: datetime) -> None:
    """Skip the issues that nobody approved before the deadline of their time.

    One that was approved, put on hold or given another time meanwhile is left alone.
    """
    drafts = Issue.objects.filter(state=State.DRAFT, kind=Issue.Kind.SCHEDULED, on_hold=False)
    for draft in drafts.filter(slot__lt=now).select_related("newsletter"):
        if now > _deadline(draft):
            unchanged = drafts.filter(pk=draft.pk, send_at=draft.send_at)
            if unchanged.update(state=State.SKIPPED, reason=NOT_APPROVED, finished_at=now):
                return_picks(draft, now)


def _deadline(issue: Issue) -> datetime:
    """Return until when an issue may still go out late."""
    newsletter = issue.newsletter
    late = timedelta(minutes=newsletter.late_minutes)
    deadline = issue.goes_at + catchup.patience(newsletter.catch_up, late)
    in_local_time = newsletter.send_in_local_time and issue.send_at is None
    return deadline + zones.WIDEST if in_local_time else deadline


def is_unwanted_skip(issue: Issue) -> bool:
    """Say whether an issue was skipped though nobody chose that: missed, or not approved in time.

    Others were skipped by an editor, or as the newsletter's story selection says.
    """
    return issue.reason == NOT_APPROVED or issue.reason.startswith("Missed")


def skip_draft(draft: Issue, reason: str, now: datetime) -> None:
    """Skip an issue that waits for approval, for a reason; one that does not any more is kept."""
    waiting = Issue.objects.filter(pk=draft.pk, state=State.DRAFT)
    if waiting.update(state=State.SKIPPED, reason=reason, finished_at=now):
        return_picks(draft, now)


@transaction.atomic
def skip_slot(newsletter: Newsletter, slot: datetime, reason: str, now: datetime) -> list[Issue]:
    """Let the issues of a slot be skipped for a reason; return those that it would have had.

    A slot that has an issue keeps it.
    """
    lock_newsletter(newsletter)
    cadences = _cadences(newsletter, slot)
    return [_skip(newsletter, slot, cadence, reason, now) for cadence in cadences]


def _skip(
    newsletter: Newsletter, slot: datetime, cadence: Cadence, reason: str, now: datetime
) -> Issue:
    issue, _ = Issue.objects.get_or_create(
        newsletter=newsletter,
        slot=slot,
        cadence=cadence,
        defaults={
            "state": State.SKIPPED,
            "reason": reason,
            "built_at": now,
            "finished_at": now,
        },
    )
    return issue


def lock_newsletter(newsletter: Newsletter) -> None:
    """Let nobody else build this newsletter until the transaction ends."""
    locks.lock(Purpose.BUILD_ISSUES, newsletter.pk)


def save(draft: Draft) -> None:
    """Save an issue with its blocks and stories; skip it if all were retracted since."""
    stories = _without_retracted(draft.stories)
    if draft.stories and not stories:
        draft.issue.state, draft.issue.finished_at = State.SKIPPED, draft.issue.built_at
        draft.issue.reason = RETRACTED
    draft.issue.save()
    Block.objects.bulk_create(draft.blocks)
    pictures.assign(draft.issue, stories, draft.issue.built_at)
    Story.objects.bulk_create(stories)


def _without_retracted(stories: list[Story]) -> list[Story]:
    """Return stories not retracted, numbered; a retraction waits from now on and sees it."""
    retracted = storing.lock_articles([story.article_id for story in stories])
    remaining = [story for story in stories if story.article_id not in retracted]
    for position, story in enumerate(remaining):
        story.position = position
    return remaining


def _freeze(draft: Draft) -> Issue:
    """Save a draft, and take its hand-picked stories off the waiting list.

    They wait for an issue: that of a day or week is made of what its issues had.
    """
    newsletter = draft.issue.newsletter
    if newsletter.review_minutes and draft.issue.kind == Issue.Kind.SCHEDULED:
        review = timedelta(minutes=newsletter.review_minutes)
        draft.issue.review_until = min(draft.issue.built_at + review, draft.issue.slot)
    save(draft)
    if draft.issue.cadence != Cadence.EVERY:
        return draft.issue
    out = [story.article_id for story in draft.stories]
    Pick.objects.filter(block__newsletter=draft.issue.newsletter, article__in=out).delete()
    return draft.issue


def return_picks(issue: Issue, now: datetime) -> None:
    """Let what an editor picked for an issue that does not go out wait for the next one."""
    if issue.cadence != Cadence.EVERY:
        return  # the issue of a day or week takes no picks off the list
    for story in issue.stories.filter(PICKED).select_related("selected_by", "article"):
        if story.selected_by and story.article:
            setup.pick(story.selected_by, story.article, now)
