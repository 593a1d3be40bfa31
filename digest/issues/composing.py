"""What an issue would contain now: read candidates, select, compose. Nothing is saved.

An issue goes by the newest stories and an editor's waiting picks. The issue of a day or week goes
by the issues of that time instead: what led them leads it, what was picked for them is in it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import islice

from django.db.models import Exists, F, Max, OuterRef, Q

from digest.articles.models import Article, Sighting
from digest.core import clock
from digest.issues import window
from digest.issues.models import Issue, Story
from digest.issues.selection import Candidate, Policy, SectionRule, Selection, select
from digest.newsletters.models import Appeal, Cadence, Newsletter, Pick, Section

LOOKED_AT = 2_000  # newest candidates that a selection sees
COMING = 50  # next ones with a date still to come, which an editor may look for
EXPLAINED = 200  # left-out candidates whose reasons are kept

State = Issue.State


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue and its stories as they would be now; nothing of it is saved."""

    issue: Issue
    stories: list[Story]
    selection: Selection


def compose(
    newsletter: Newsletter,
    slot: datetime,
    now: datetime,
    kind: str,
    cadence: Cadence,
    besides: Issue | None = None,
) -> Draft:
    """Select stories, and return them with their issue, unsaved.

    A daily or weekly cadence needs a newsletter with a schedule. The stories of `besides` count as
    not sent: it is the issue whose stories are refreshed.
    """
    since = window.window_start(newsletter, slot, cadence, now)
    ran = [] if cadence == Cadence.EVERY else _ran(newsletter, since, slot)
    policy = _policy(newsletter, cadence, ran)
    articles = _candidates(newsletter, policy, now, since, {story.article_id for story in ran})
    sent = _sent(newsletter, articles, cadence, besides)
    selection = select(_as_candidates(articles, ran), policy, sent, now, since)
    issue = Issue(
        newsletter=newsletter,
        slot=slot,
        cadence=cadence,
        kind=kind,
        state=State.SKIPPED if selection.skip else _ready(newsletter),
        reason=selection.skip,
        left_out=[
            {"article": left.article_id, "title": left.title, "reason": left.reason}
            for left in islice(selection.left_out, EXPLAINED)
        ],
        appeal=None if selection.skip else _next_appeal(newsletter, cadence, now),
        built_at=now,
        finished_at=now if selection.skip else None,
    )
    return Draft(issue, _snapshots(issue, selection, articles), selection)


def _snapshots(issue: Issue, selection: Selection, articles: list[Article]) -> list[Story]:
    articles_by_id = {article.pk: article for article in articles}
    return [
        snapshot(
            issue,
            position,
            articles_by_id[picked.article_id],
            picked.section,
            picked.reason,
            picked.topics,
        )
        for position, picked in enumerate(selection.stories)
    ]


def _ready(newsletter: Newsletter) -> State:
    """Return the state of an issue that is built: somebody may have to approve it."""
    return State.BUILT if newsletter.approval == Newsletter.Approval.NONE else State.DRAFT


def _ran(newsletter: Newsletter, since: datetime, slot: datetime) -> list[Story]:
    """Return the stories of a day's or week's issues, what led them first, the latest first."""
    issues = window.issues_of_period(newsletter, since, slot)
    stories = Story.objects.filter(issue__in=issues, article__isnull=False)
    return list(
        stories.only("article_id", "position", "section").order_by("position", "-issue__slot")
    )


def _policy(newsletter: Newsletter, cadence: Cadence, ran: Sequence[Story]) -> Policy:
    every = cadence == Cadence.EVERY
    sections = newsletter.sections.prefetch_related("picks")
    return Policy(
        sections=tuple(
            _section_rule(section, section.picks.all() if every else _in(section, ran))
            for section in sections
        ),
        minimum=newsletter.min_stories,
        maximum=newsletter.max_stories,
        look_back=timedelta(hours=newsletter.look_back_hours),
        widen_to=timedelta(hours=newsletter.widen_hours),
        thin=newsletter.thin,
        timezone=_zone(newsletter),
    )


def _in(section: Section, ran: Sequence[Story]) -> list[Story]:
    return [story for story in ran if story.section == section.title]


def _section_rule(section: Section, picks: Iterable[Pick | Story]) -> SectionRule:
    picked = (pick.article_id for pick in picks if pick.article_id)
    return SectionRule(
        title=section.title,
        kind=section.kind,
        maximum=section.max_stories,
        topics=_folded(section.topics),
        picks=tuple(dict.fromkeys(picked)) if section.kind == Section.Kind.PICKED else (),
    )


def _zone(newsletter: Newsletter) -> tzinfo:
    schedule = getattr(newsletter, "schedule", None)
    return clock.zone(schedule.timezone if schedule else newsletter.publication.timezone)


def _candidates(
    newsletter: Newsletter,
    policy: Policy,
    now: datetime,
    since: datetime,
    ran: Collection[int | None],
) -> list[Article]:
    """Return the newest articles of the newsletter's sources, picked ones, and those that ran."""
    oldest = min(since, now - policy.look_back, now - policy.widen_to)
    sightings = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
    carried = Article.objects.filter(Exists(sightings)).values_list("pk", flat=True)
    recent = carried.filter(available_at__range=(oldest, now)).order_by("-available_at", "pk")
    marked = carried.filter(marked_updated_at__gte=oldest).order_by("-marked_updated_at", "pk")
    coming = carried.filter(available_at__gt=now).order_by("available_at", "pk")
    articles = recent[:LOOKED_AT].union(marked[:LOOKED_AT], coming[:COMING])
    picks = [article_id for section in policy.sections for article_id in section.picks]
    return list(Article.objects.filter(pk__in={*articles, *picks, *ran}).defer("body_html"))


def _as_candidates(articles: Iterable[Article], ran: Sequence[Story]) -> Iterator[Candidate]:
    """Yield the articles as selection sees them, with the best place that each had."""
    places = {story.article_id: story.position for story in reversed(ran)}
    return (_candidate(article, places.get(article.pk)) for article in articles)


def _candidate(article: Article, place: int | None) -> Candidate:
    return Candidate(
        article_id=article.pk,
        title=article.title,
        topics=_folded([article.section, *article.tags]),
        available_at=article.available_at,
        marked_updated_at=article.marked_updated_at,
        retracted_at=article.retracted_at,
        place=place,
    )


def _sent(
    newsletter: Newsletter,
    articles: Sequence[Article],
    cadence: Cadence,
    besides: Issue | None,
) -> dict[int, datetime]:
    """Return when each of the articles last went out in this newsletter to such subscribers."""
    had = window.received_by(newsletter, cadence)
    rows = (
        Story.objects.filter(
            issue__in=had.exclude(pk=besides.pk) if besides else had,
            article__in=[article.pk for article in articles],
        )
        .values("article_id")
        .annotate(at=Max("issue__built_at"))
    )
    return {row["article_id"]: row["at"] for row in rows}


def _next_appeal(newsletter: Newsletter, cadence: Cadence, now: datetime) -> Appeal | None:
    """Return the running appeal whose turn it is: the one that such subscribers saw longest ago."""
    return (
        newsletter.publication.appeals.filter(starts_at__lte=now)
        .exclude(ends_at__lte=now)
        .annotate(used=Max("issues__slot", filter=Q(issues__cadence=cadence)))
        .order_by(F("used").asc(nulls_first=True), "pk")
        .first()
    )


def snapshot(
    issue: Issue,
    position: int,
    article: Article,
    section: str,
    reason: str,
    topics: Iterable[str] = (),
) -> Story:
    """Return an article as a story of an issue, unsaved."""
    return Story(
        issue=issue,
        article=article,
        revision=article.revision,
        position=position,
        section=section,
        topics=list(topics),
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


def _folded(topics: Iterable[str]) -> frozenset[str]:
    return frozenset(topic.strip().casefold() for topic in topics if topic.strip())
