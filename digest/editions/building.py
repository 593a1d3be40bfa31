"""Build editions: find slots that are due, select, and freeze what was selected.

A slot makes one edition whatever happens: a lock on the newsletter orders builders, and the
database's UNIQUE (newsletter, slot) has the last word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice

import structlog
from django.db import connection, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from digest.articles.models import Article, Sighting
from digest.core import clock, jobs
from digest.core.errors import DigestError
from digest.editions.models import Edition, Story
from digest.editions.selection import Candidate, Policy, SectionRule, Selection, select
from digest.newsletters import catchup, schedules
from digest.newsletters.models import Appeal, Newsletter, Pick, Section

log = structlog.get_logger(__name__)

LOOKED_AT = 2_000  # newest candidates that a selection sees
COMING = 50  # next ones with a date still to come, which an editor may look for
EXPLAINED = 200  # left-out candidates whose reasons are kept
# Two daily slots lie 25 hours apart when clocks go back: an issue that looks back so little less
# than to the one before reaches back to it.
_LEEWAY = timedelta(hours=2)
_OVERLAP = timedelta(minutes=10)  # for a poll that was storing while the last issue was built
_HORIZON = timedelta(days=31)  # older missed slots are not even counted
_LOCKS = 0x0ED1  # our class of advisory locks

State = Edition.State


@dataclass(frozen=True, slots=True)
class Draft:
    """An edition and its stories as they would be now; nothing of it is saved."""

    edition: Edition
    stories: list[Story]
    selection: Selection


def build_due(now: datetime | None = None) -> list[Edition]:
    """Build the editions whose slots have come; return them, the skipped ones too.

    A newsletter that cannot be built is logged and hinders no other.
    """
    now = now or clock.now()
    built: list[Edition] = []
    for newsletter in _scheduled().order_by("pk"):
        try:
            built += _build_newsletter(newsletter, now)
        except DigestError as problem:
            log.error("newsletter not built", newsletter=newsletter.slug, problem=str(problem))  # noqa: TRY400
        except Exception:
            log.exception("newsletter not built", newsletter=newsletter.slug)
    return built


@transaction.atomic
def build(
    newsletter: Newsletter,
    slot: datetime,
    now: datetime,
    kind: str = Edition.Kind.SCHEDULED,
) -> Edition:
    """Build the edition for a slot from what is available at `now`, and return it.

    Too few stories make an edition in state SKIPPED that says why. A slot that has an edition
    already gets no second one: the first is returned. For one made by hand, the slot is the moment
    it is asked for.
    """
    slot = slot.replace(microsecond=0)
    _hold(newsletter)
    if there := Edition.objects.filter(newsletter=newsletter, slot=slot).first():
        return there
    draft = _compose(newsletter, slot, now, kind)
    return _freeze(draft)


def draft(newsletter: Newsletter, now: datetime) -> Draft:
    """Return the edition that `build` would make now, unsaved."""
    return _compose(newsletter, now.replace(microsecond=0), now, Edition.Kind.MANUAL)


@transaction.atomic
def _build_newsletter(newsletter: Newsletter, now: datetime) -> list[Edition]:
    _hold(newsletter)
    there = _scheduled().filter(pk=newsletter.pk).first()  # it may have been stopped meanwhile
    return _build_slots(there, now) if there else []


def _build_slots(newsletter: Newsletter, now: datetime) -> list[Edition]:
    decisions = _decide(newsletter, now)
    built = [
        build(newsletter, slot, now) if wanted else _skip(newsletter, slot, reason, now)
        for slot, wanted, reason in decisions
    ]
    if any(edition.state == State.BUILT for edition in built):
        jobs.enqueue(jobs.PLAN_EDITIONS)
    return built


def _scheduled() -> QuerySet[Newsletter]:
    active = Newsletter.objects.filter(active=True, schedule__isnull=False)
    return active.select_related("schedule", "publication")


def _decide(newsletter: Newsletter, now: datetime) -> list[catchup.Decision]:
    """Return what becomes of each slot since the last one that was dealt with."""
    schedule = newsletter.schedule
    rule = schedules.rule_of(schedule)
    done = newsletter.editions.filter(kind=Edition.Kind.SCHEDULED).aggregate(at=Max("slot"))["at"]
    after = max(filter(None, [schedule.since, done, now - _HORIZON]))
    # One made by hand at the very moment of a slot is that slot's edition.
    taken = set(newsletter.editions.filter(slot__gt=after).values_list("slot", flat=True))
    due = [slot for slot in schedules.slots(rule, after, now) if slot not in taken]
    terms = catchup.Terms(
        policy=newsletter.catch_up,
        late=timedelta(minutes=newsletter.late_minutes),
        next_slot=next(iter(schedules.upcoming(rule, now, 1)), None) if due else None,
        timezone=rule.timezone,
    )
    return catchup.decide(due, terms, now)


def _skip(newsletter: Newsletter, slot: datetime, reason: str, now: datetime) -> Edition:
    edition, _ = Edition.objects.get_or_create(
        newsletter=newsletter,
        slot=slot,
        defaults={
            "state": State.SKIPPED,
            "reason": reason,
            "built_at": now,
            "finished_at": now,
        },
    )
    return edition


def _hold(newsletter: Newsletter) -> None:
    """Let nobody else build this newsletter until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, newsletter.pk % 2**31])


def _compose(newsletter: Newsletter, slot: datetime, now: datetime, kind: str) -> Draft:
    """Select, and lay the outcome out as an edition and stories that are not saved."""
    policy = _policy(newsletter)
    since = _window_start(newsletter, policy, slot)
    articles = _candidates(newsletter, policy, now, since)
    selection = select(map(_candidate, articles), policy, _sent(newsletter, articles), now, since)
    edition = Edition(
        newsletter=newsletter,
        slot=slot,
        kind=kind,
        state=State.SKIPPED if selection.skip else State.BUILT,
        reason=selection.skip,
        left_out=[
            {"article": left.article_id, "title": left.title, "reason": left.reason}
            for left in islice(selection.left_out, EXPLAINED)
        ],
        appeal=None if selection.skip else _next_appeal(newsletter, now),
        built_at=now,
        finished_at=now if selection.skip else None,
    )
    by_id = {article.pk: article for article in articles}
    stories = [
        _snapshot(edition, position, by_id[picked.article_id], picked.section, picked.reason)
        for position, picked in enumerate(selection.stories)
    ]
    return Draft(edition, stories, selection)


def _freeze(made: Draft) -> Edition:
    """Save a draft, and take its hand-picked stories off the waiting list."""
    made.edition.save()
    Story.objects.bulk_create(made.stories)
    out = [story.article_id for story in made.stories]
    Pick.objects.filter(section__newsletter=made.edition.newsletter, article__in=out).delete()
    return made.edition


def _policy(newsletter: Newsletter) -> Policy:
    sections = newsletter.sections.prefetch_related("picks")
    return Policy(
        sections=tuple(map(_section_rule, sections)),
        minimum=newsletter.min_stories,
        maximum=newsletter.max_stories,
        look_back=timedelta(hours=newsletter.look_back_hours),
        widen_to=timedelta(hours=newsletter.widen_hours),
        thin=newsletter.thin,
        timezone=_zone(newsletter),
    )


def _section_rule(section: Section) -> SectionRule:
    return SectionRule(
        title=section.title,
        kind=section.kind,
        maximum=section.max_stories,
        topics=_folded(section.topics),
        picks=tuple(pick.article_id for pick in section.picks.all()),
    )


def _zone(newsletter: Newsletter) -> tzinfo:
    schedule = getattr(newsletter, "schedule", None)
    return clock.zone(schedule.timezone if schedule else newsletter.publication.timezone)


def _window_start(newsletter: Newsletter, policy: Policy, slot: datetime) -> datetime:
    """Return how far an issue looks back at least.

    As far as its policy says, from its slot, however late it is built; to the regular slot before
    (on a Monday that is Friday's); and where that ends just short of the issue before, to that
    one: else a story between the two would never go out.
    """
    start = slot - policy.look_back
    if regular := _slot_before(newsletter, slot):
        start = min(start, regular - _OVERLAP)
    before = newsletter.editions.filter(slot__lt=slot).aggregate(at=Max("slot"))["at"]
    if before and before >= start - _LEEWAY:
        start = min(start, before - _OVERLAP)
    if _keeps_stories(newsletter):
        start = min(start, _last_sent(newsletter) - _OVERLAP)
    return start


def _slot_before(newsletter: Newsletter, slot: datetime) -> datetime | None:
    schedule = getattr(newsletter, "schedule", None)
    return schedules.previous(schedules.rule_of(schedule), slot) if schedule else None


def _keeps_stories(newsletter: Newsletter) -> bool:
    """Say whether stories of an issue that didn't go out wait for the next one."""
    return (
        newsletter.thin == Newsletter.Thin.WAIT or newsletter.catch_up == Newsletter.CatchUp.MERGE
    )


def _last_sent(newsletter: Newsletter) -> datetime:
    """Return when stories last went out; before the first time, when the newsletter was made."""
    last: datetime | None = _went_out(newsletter).aggregate(at=Max("built_at"))["at"]
    return last or newsletter.created_at


def _candidates(
    newsletter: Newsletter, policy: Policy, now: datetime, since: datetime
) -> list[Article]:
    """Return the newest articles of the newsletter's sources, and those picked by hand."""
    oldest = min(since, now - policy.look_back, now - policy.widen_to)
    seen = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
    carried = Article.objects.filter(Exists(seen)).values_list("pk", flat=True)
    recent = carried.filter(available_at__range=(oldest, now)).order_by("-available_at", "pk")
    marked = carried.filter(marked_updated_at__gte=oldest).order_by("-marked_updated_at", "pk")
    coming = carried.filter(available_at__gt=now).order_by("available_at", "pk")
    found = recent[:LOOKED_AT].union(marked[:LOOKED_AT], coming[:COMING])
    picks = [article_id for section in policy.sections for article_id in section.picks]
    return list(Article.objects.filter(pk__in={*found, *picks}).defer("body_html"))


def _candidate(article: Article) -> Candidate:
    return Candidate(
        article_id=article.pk,
        title=article.title,
        topics=_folded([article.section, *article.tags]),
        available_at=article.available_at,
        marked_updated_at=article.marked_updated_at,
    )


def _sent(newsletter: Newsletter, articles: Sequence[Article]) -> dict[int, datetime]:
    """Return when each of the articles last went out in this newsletter."""
    rows = (
        Story.objects.filter(
            edition__in=_went_out(newsletter), article__in=[article.pk for article in articles]
        )
        .values("article_id")
        .annotate(at=Max("edition__built_at"))
    )
    return {row["article_id"]: row["at"] for row in rows}


def _went_out(newsletter: Newsletter) -> QuerySet[Edition]:
    """Return the editions that reached someone or may yet."""
    stopped_in_time = Q(state=State.CANCELLED, planned_at__isnull=True)
    return newsletter.editions.exclude(state=State.SKIPPED).exclude(stopped_in_time)


def _next_appeal(newsletter: Newsletter, now: datetime) -> Appeal | None:
    """Return the running appeal whose turn it is: the one that rested longest."""
    return (
        newsletter.publication.appeals.filter(starts_at__lte=now)
        .exclude(ends_at__lte=now)
        .annotate(used=Max("editions__slot"))
        .order_by(F("used").asc(nulls_first=True), "pk")
        .first()
    )


def _snapshot(
    edition: Edition, position: int, article: Article, section: str, reason: str
) -> Story:
    return Story(
        edition=edition,
        article=article,
        revision=article.revision,
        position=position,
        section=section,
        reason=reason,
        url=article.url,
        title=article.title,
        summary=article.summary,
        byline=article.byline,
        kicker=article.section,
        published_at=article.published_at,
        image_url=article.image_url,
        image_alt=article.image_alt,
        image_caption=article.image_caption,
        image_credit=article.image_credit,
    )


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in words if word.strip())
