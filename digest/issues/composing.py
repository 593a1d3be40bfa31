"""What an issue would contain now: read candidates, select, compose. Nothing is saved.

An issue has the newest stories and an editor's waiting picks. The issue of a day or week is made of
the issues of that time instead: what led them leads it, what was picked for them is in it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import islice

from django.db.models import Exists, Max, OuterRef

from digest.articles.models import Article, Sighting
from digest.core import clock
from digest.core.reading_time import count_words
from digest.issues import messages, window
from digest.issues.models import Block, Issue, Story
from digest.issues.selection import BlockRule, Candidate, Policy, SelectedArticle, Selection, select
from digest.newsletters.choices import MESSAGE_KINDS, STORY_KINDS, Approval, BlockKind
from digest.newsletters.models import Appeal, Cadence, LayoutBlock, Newsletter, Pick

LOOKED_AT = 2_000  # newest candidates that a selection sees
COMING = 50  # next ones with a date still to come, which an editor may look for
EXPLAINED = 200  # left-out candidates whose reasons are kept

State = Issue.State


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue with its blocks and stories as they would be now; nothing of it is saved."""

    issue: Issue
    blocks: list[Block]  # by position
    stories: list[Story]  # by position; each has one of these blocks
    selection: Selection


def compose(
    newsletter: Newsletter,
    slot: datetime,
    now: datetime,
    kind: str,
    cadence: Cadence,
    excluded: Issue | None = None,
    fewest: int | None = None,
) -> Draft:
    """Select stories, and return them with their issue, unsaved.

    A daily or weekly cadence needs a newsletter with a schedule. The stories of `excluded` count as
    not sent: it is the issue whose stories are refreshed. `fewest` stories are enough, instead of
    as many as the newsletter wants.
    """
    since = window.window_start(newsletter, slot, cadence, now)
    earlier = [] if cadence == Cadence.EVERY else _stories_since(newsletter, since, slot)
    policy = _policy(newsletter, cadence, earlier)
    if fewest is not None:
        policy = replace(policy, minimum=fewest)
    articles = _candidates(newsletter, policy, now, since, {story.article_id for story in earlier})
    sent = _sent(newsletter, articles, cadence, excluded)
    selection = select(_as_candidates(articles, earlier), policy, sent, now, since)
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
        built_at=now,
        finished_at=now if selection.skip else None,
    )
    blocks = [] if selection.skip else blocks_of(issue, now)
    return Draft(issue, blocks, _snapshots(blocks, selection, articles), selection)


def blocks_of(issue: Issue, now: datetime) -> list[Block]:
    """Return the blocks of a new issue, unsaved: the layout's, with an appeal or sponsor in each.

    A block for which none is left is left out.
    """
    blocks: list[Block] = []
    turns = messages.Turns(issue, now)
    for row in issue.newsletter.layout.order_by("position"):
        appeal = turns.take(row.kind) if row.kind in MESSAGE_KINDS else None
        if row.kind not in MESSAGE_KINDS or appeal:
            blocks.append(_block(issue, row, len(blocks), appeal))
    return blocks


def _block(issue: Issue, row: LayoutBlock, position: int, appeal: Appeal | None) -> Block:
    """Return a block of the layout as a block of an issue, unsaved."""
    shared = ("kind", "title", "content", "style", "shown_in", "only_topics", "segment")
    values = {name: getattr(row, name) for name in shared}
    return Block(issue=issue, layout_block=row, position=position, appeal=appeal, **values)


def _snapshots(
    blocks: Sequence[Block], selection: Selection, articles: Iterable[Article]
) -> list[Story]:
    """Return the stories in the order of the blocks; the first one leads, if there is a lead."""
    articles_by_id = _with_bodies(articles, [picked.article_id for picked in selection.stories])
    by_layout_block = {block.layout_block_id: block for block in blocks}
    lead = next((block for block in blocks if block.kind == BlockKind.LEAD), None)
    pairs = [(by_layout_block[picked.block_id], picked) for picked in selection.stories]
    if lead and pairs:
        pairs[0] = (lead, pairs[0][1])
    pairs.sort(key=lambda pair: pair[0].position)
    return [
        _story(block, position, articles_by_id[picked.article_id], picked)
        for position, (block, picked) in enumerate(pairs)
    ]


def _with_bodies(articles: Iterable[Article], ids: Collection[int]) -> dict[int, Article]:
    """Return selected articles by their ids, with the texts that candidates come without."""
    bodies = dict(Article.objects.filter(pk__in=ids).values_list("pk", "body_html"))
    selected = {article.pk: article for article in articles if article.pk in bodies}
    for pk, article in selected.items():
        article.body_html = bodies[pk]
    return selected


def _story(block: Block, position: int, article: Article, picked: SelectedArticle) -> Story:
    story = snapshot(block, position, article, picked.reason, picked.topics)
    story.selected_by_id = picked.block_id
    return story


def _ready(newsletter: Newsletter) -> State:
    """Return the state of an issue that is built: somebody may have to approve it."""
    return State.BUILT if newsletter.approval == Approval.NONE else State.DRAFT


def _stories_since(newsletter: Newsletter, since: datetime, slot: datetime) -> list[Story]:
    """Return the stories of a day's or week's issues, what led them first, the latest first."""
    issues = window.issues_of_period(newsletter, since, slot)
    stories = Story.objects.filter(issue__in=issues, article__isnull=False)
    return list(
        stories.only("article_id", "position", "selected_by_id").order_by(
            "position", "-issue__slot"
        )
    )


def _policy(newsletter: Newsletter, cadence: Cadence, earlier: Sequence[Story]) -> Policy:
    every = cadence == Cadence.EVERY
    layout = newsletter.layout.filter(kind__in=STORY_KINDS - {BlockKind.LEAD})
    return Policy(
        blocks=tuple(
            _block_rule(row, row.picks.all() if every else _in(row, earlier))
            for row in layout.prefetch_related("picks")
        ),
        minimum=newsletter.min_stories,
        maximum=newsletter.max_stories,
        look_back=timedelta(hours=newsletter.look_back_hours),
        widen_to=timedelta(hours=newsletter.widen_hours),
        thin=newsletter.thin,
        timezone=_zone(newsletter),
    )


def _in(row: LayoutBlock, earlier: Sequence[Story]) -> list[Story]:
    return [story for story in earlier if story.selected_by_id == row.pk]


def _block_rule(row: LayoutBlock, picks: Iterable[Pick | Story]) -> BlockRule:
    picked = (pick.article_id for pick in picks if pick.article_id)
    return BlockRule(
        block_id=row.pk,
        title=row.title,
        kind=row.kind,
        maximum=row.max_stories,
        topics=folded(row.topics),
        picks=tuple(dict.fromkeys(picked)) if row.kind == BlockKind.PICKED else (),
        source_ids=frozenset(row.source_ids),
    )


def _zone(newsletter: Newsletter) -> tzinfo:
    schedule = getattr(newsletter, "schedule", None)
    return clock.zone(schedule.timezone if schedule else newsletter.publication.timezone)


def _candidates(
    newsletter: Newsletter,
    policy: Policy,
    now: datetime,
    since: datetime,
    earlier: Collection[int | None],
) -> list[Article]:
    """Return the newest articles of the newsletter's sources, picked ones, and those that ran."""
    oldest = min(since, now - policy.look_back, now - policy.widen_to)
    sightings = Sighting.objects.filter(article=OuterRef("pk"), source__newsletters=newsletter)
    carried = Article.objects.filter(Exists(sightings)).values_list("pk", flat=True)
    recent = carried.filter(available_at__range=(oldest, now)).order_by("-available_at", "pk")
    marked = carried.filter(marked_updated_at__gte=oldest).order_by("-marked_updated_at", "pk")
    coming = carried.filter(available_at__gt=now).order_by("available_at", "pk")
    articles = recent[:LOOKED_AT].union(marked[:LOOKED_AT], coming[:COMING])
    picks = [article_id for rule in policy.blocks for article_id in rule.picks]
    return list(Article.objects.filter(pk__in={*articles, *picks, *earlier}).defer("body_html"))


def _as_candidates(articles: Iterable[Article], earlier: Sequence[Story]) -> Iterator[Candidate]:
    """Yield the articles as selection sees them, with the best place that each had."""
    places = {story.article_id: story.position for story in reversed(earlier)}
    articles = list(articles)
    carriers = _carriers(articles)
    return (
        _candidate(article, places.get(article.pk), carriers.get(article.pk, frozenset()))
        for article in articles
    )


def _carriers(articles: Iterable[Article]) -> dict[int, frozenset[int]]:
    """Return the ids of the sources that carry each article, by its id."""
    carriers = dict[int, set[int]]()
    sightings = Sighting.objects.filter(article__in=[article.pk for article in articles])
    for article_id, source_id in sightings.values_list("article_id", "source_id"):
        carriers.setdefault(article_id, set()).add(source_id)
    return {article_id: frozenset(ids) for article_id, ids in carriers.items()}


def _candidate(article: Article, place: int | None, source_ids: frozenset[int]) -> Candidate:
    return Candidate(
        article_id=article.pk,
        title=article.title,
        topics=folded([article.section, *article.tags]),
        available_at=article.available_at,
        marked_updated_at=article.marked_updated_at,
        retracted_at=article.retracted_at,
        source_ids=source_ids,
        popularity=article.score,
        read_depth=article.read_depth or 0.0,
        place=place,
    )


def _sent(
    newsletter: Newsletter,
    articles: Sequence[Article],
    cadence: Cadence,
    excluded: Issue | None,
) -> dict[int, datetime]:
    """Return when each of the articles last went out in this newsletter to such subscribers."""
    received = window.stories_received(newsletter, cadence)
    rows = (
        (received.exclude(issue=excluded) if excluded else received)
        .filter(article__in=[article.pk for article in articles])
        .values("article_id")
        .annotate(at=Max("issue__built_at"))
    )
    return {row["article_id"]: row["at"] for row in rows}


def snapshot(
    block: Block,
    position: int,
    article: Article,
    reason: str,
    topics: Iterable[str] = (),
) -> Story:
    """Return an article as a story of a block, unsaved."""
    return Story(
        issue=block.issue,
        block=block,
        article=article,
        revision=article.revision,
        position=position,
        topics=list(topics),
        reason=reason,
        url=article.url,
        title=article.title,
        summary=article.summary,
        byline=article.byline,
        kicker=article.section,
        published_at=article.published_at,
        word_count=count_words(article.body_html),
        image_url=article.image_url,
        image_alt=article.image_alt,
        image_caption=article.image_caption,
        image_credit=article.image_credit,
    )


def folded(topics: Iterable[str]) -> frozenset[str]:
    """Return topics as they are compared: stripped and case folded."""
    return frozenset(topic.strip().casefold() for topic in topics if topic.strip())
