"""Which stories an issue carries: a pure function of candidates, policy, what was sent, and now.

A story goes out once in a newsletter, unless it was marked as updated since; the ledger of sent
stories says so, never a date window alone. The window only keeps old stories out of a new issue.
Picked stories come first and ignore the window; topics take theirs before the latest.
The newest come first, but in an issue for a day or a week what led the issues of that time does.
Every candidate is either picked or left out, with a reason that an editor can read.

Steps: rank, bar what may not go out, fill the blocks, widen the window if that is too thin, say
why not for the rest.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import chain
from typing import NamedTuple

from digest.core.clock import format_moment
from digest.core.text import counted, percent
from digest.newsletters.choices import BlockKind, Thin

DEEPLY_READ = 0.6  # share of a text: most visitors of most articles read less

_FILLED_FIRST = {
    BlockKind.PICKED: 0,
    BlockKind.TOPIC: 1,
    BlockKind.POPULAR: 2,
    BlockKind.DEEP: 3,
    BlockKind.LATEST: 4,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What selection needs to know of an article."""

    article_id: int
    title: str
    topics: frozenset[str]  # its section and tags, case folded
    available_at: datetime
    marked_updated_at: datetime | None = None
    retracted_at: datetime | None = None
    source_ids: frozenset[int] = frozenset()  # that carry it
    popularity: float = 0.0  # from 0 to 1, the publication's most popular; 0: not known
    read_depth: float = 0.0  # share of the text that visitors read; 0: not known
    # In an issue for a day or week: its best position in the issues of that time, if it had one.
    place: int | None = None

    @property
    def fresh_at(self) -> datetime:
        """The moment that the window and the order go by."""
        return max(self.available_at, self.marked_updated_at or self.available_at)


@dataclass(frozen=True, slots=True)
class BlockRule:
    """What a block takes."""

    block_id: int
    title: str
    kind: str
    maximum: int
    topics: frozenset[str] = frozenset()  # case folded
    picks: tuple[int, ...] = ()  # article ids, in the editor's order
    source_ids: frozenset[int] = frozenset()  # none: stories of any source


@dataclass(frozen=True, slots=True)
class Policy:
    """How a newsletter chooses."""

    blocks: tuple[BlockRule, ...]  # those that are filled, in the order they are shown
    minimum: int
    maximum: int
    look_back: timedelta
    widen_to: timedelta
    thin: str
    timezone: tzinfo  # of the times in reasons

    @property
    def required(self) -> int:
        """How many stories make an issue: an empty one never goes out."""
        return max(self.minimum, 1)


class SelectedArticle(NamedTuple):
    """An article that goes out."""

    article_id: int
    block_id: int  # of the layout
    reason: str
    topics: tuple[str, ...] = ()  # titles of all topic blocks that it belongs to


class OmittedArticle(NamedTuple):
    """An article that doesn't."""

    article_id: int
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The outcome: stories in the order shown, and why the issue is skipped if it is."""

    stories: tuple[SelectedArticle, ...]
    left_out: tuple[OmittedArticle, ...]
    skip: str = ""


def select(
    candidates: Iterable[Candidate],
    policy: Policy,
    sent: Mapping[int, datetime],
    now: datetime,
    since: datetime | None = None,
) -> Selection:
    """Choose the stories of an issue.

    `sent` maps article ids to when they last went out in this newsletter. The window reaches back
    `policy.look_back`, and to `since` at least where that is given: stories kept for a later issue
    are not too old for it, and none falls between two issues. All times are aware.
    """
    ranked = sorted((_as_of(c, now) for c in candidates), key=_rank)
    barred = dict(_barred(ranked, sent, now, policy.timezone))
    free = [candidate for candidate in ranked if candidate.article_id not in barred]
    start = min(now - policy.look_back, since or now)
    filled = _fill(free, policy, start)
    if _count(filled) < policy.required and policy.thin == Thin.WIDEN:
        start = min(start, now - policy.widen_to)
        filled = _fill(free, policy, start)
    skip = _thin_reason(_count(filled), policy)
    stories = () if skip else tuple(chain.from_iterable(filled))
    out = {story.article_id for story in stories}
    refusals = _Refusals(policy, barred, filled, start, now)
    rest = (candidate for candidate in ranked if candidate.article_id not in out)
    left_out = (OmittedArticle(c.article_id, c.title, refusals.reason(c)) for c in rest)
    return Selection(stories, tuple(left_out), skip)


def _as_of(candidate: Candidate, now: datetime) -> Candidate:
    """Overlook a mark from the future: it would count again and again until its time has come."""
    marked = candidate.marked_updated_at
    return replace(candidate, marked_updated_at=None) if marked and marked > now else candidate


def _rank(candidate: Candidate) -> tuple[float, float, int]:
    place = math.inf if candidate.place is None else candidate.place
    return place, -candidate.fresh_at.timestamp(), candidate.article_id


def _count(filled: Sequence[Sequence[SelectedArticle]]) -> int:
    return sum(map(len, filled))


def _barred(
    candidates: Iterable[Candidate], sent: Mapping[int, datetime], now: datetime, tz: tzinfo
) -> Iterator[tuple[int, str]]:
    """Yield those that may not go out at all, with the reason."""
    for candidate in candidates:
        last = sent.get(candidate.article_id)
        marked = candidate.marked_updated_at
        if not candidate.title.strip():
            yield candidate.article_id, "It has neither a title nor a text."
        elif candidate.retracted_at is not None:
            yield candidate.article_id, f"Retracted on {format_moment(candidate.retracted_at, tz)}."
        elif candidate.available_at > now:
            yield candidate.article_id, f"Not before {format_moment(candidate.available_at, tz)}."
        elif last is not None and (marked is None or marked <= last):
            yield candidate.article_id, f"Already sent on {format_moment(last, tz)}."


def _fill(
    free: Sequence[Candidate], policy: Policy, start: datetime
) -> list[list[SelectedArticle]]:
    """Fill the blocks, window open from `start`; return what each got, in the order shown."""
    room, used_articles = policy.maximum, set[int]()
    filled: list[list[SelectedArticle]] = [[] for _ in policy.blocks]
    order = sorted(
        enumerate(policy.blocks), key=lambda pair: _FILLED_FIRST[BlockKind(pair[1].kind)]
    )
    for position, block in order:
        fitting = _fitting(block, free, used_articles, start)
        stories = fitting[: min(block.maximum, room)]
        filled[position] = [_picked(story, block, policy) for story in stories]
        used_articles.update(story.article_id for story in stories)
        room -= len(stories)
    return filled


def _fitting(
    block: BlockRule, free: Sequence[Candidate], used_articles: Collection[int], start: datetime
) -> list[Candidate]:
    left = [candidate for candidate in free if candidate.article_id not in used_articles]
    if block.kind == BlockKind.PICKED:
        by_id = {candidate.article_id: candidate for candidate in left}
        return [by_id[article_id] for article_id in block.picks if article_id in by_id]
    recent = [candidate for candidate in left if candidate.fresh_at >= start]
    fitting = [candidate for candidate in recent if _takes(block, candidate)]
    if (measure := _MEASURES.get(block.kind)) is not None:
        return sorted(fitting, key=measure, reverse=True)
    return fitting


_MEASURES: dict[str, Callable[[Candidate], float]] = {
    BlockKind.POPULAR: lambda candidate: candidate.popularity,
    BlockKind.DEEP: lambda candidate: candidate.read_depth,
}


def _picked(candidate: Candidate, block: BlockRule, policy: Policy) -> SelectedArticle:
    published = format_moment(candidate.fresh_at, policy.timezone)
    if block.kind == BlockKind.PICKED:
        reason = "Picked by an editor."
    elif candidate.marked_updated_at == candidate.fresh_at:
        reason = f"Marked as updated on {published}."
    elif block.kind == BlockKind.TOPIC:
        topics = ", ".join(sorted(candidate.topics & block.topics))
        reason = f"About {topics}, published on {published}."
    elif block.kind == BlockKind.POPULAR:
        score = max(1, round(candidate.popularity * 100))
        reason = f"Popularity {score} of 100, published on {published}."
    elif block.kind == BlockKind.DEEP:
        depth = percent(candidate.read_depth, 0)
        reason = f"{depth} of it is read on average, published on {published}."
    else:
        reason = f"Published on {published}."
    topic_titles = _topics(candidate, policy.blocks)
    return SelectedArticle(candidate.article_id, block.block_id, reason, topic_titles)


def _topics(candidate: Candidate, blocks: Iterable[BlockRule]) -> tuple[str, ...]:
    """Return what a subscriber may know the story by, whichever block it stands in."""
    of = (b.title for b in blocks if b.kind == BlockKind.TOPIC and candidate.topics & b.topics)
    return tuple(dict.fromkeys(of))


def _thin_reason(count: int, policy: Policy) -> str:
    """Say why too few stories make no issue; empty if there are enough."""
    if count >= policy.required:
        return ""
    thing = "story" if count == 1 else "stories"
    counted = f"{count or 'No'} new {thing}, at least {policy.required} required"
    if policy.thin == Thin.WAIT:
        return f"{counted}; what there is waits for the next issue."
    if policy.thin == Thin.WIDEN:
        return f"{counted}, even when looking back {_hours(policy.widen_to)}."
    return f"{counted}; this issue is skipped."


@dataclass(frozen=True, slots=True)
class _Refusals:
    """Why a candidate doesn't go out, in the light of how the blocks were filled."""

    policy: Policy
    barred: Mapping[int, str]
    filled: Sequence[Sequence[SelectedArticle]]
    start: datetime
    now: datetime

    def reason(self, candidate: Candidate) -> str:
        """Say it in an editor's words."""
        if reason := self.barred.get(candidate.article_id):
            return reason
        if any(candidate.article_id == story.article_id for story in chain(*self.filled)):
            return self._fits_a_thin_issue()
        takers = [p for p, block in enumerate(self.policy.blocks) if _takes(block, candidate)]
        if not takers:
            return "No block takes it."
        in_time = [position for position in takers if self._in_time(position, candidate)]
        if not in_time:
            return f"Older than {_hours(self.now - self.start)}."
        return self._no_room(in_time)

    def _fits_a_thin_issue(self) -> str:
        if self.policy.thin == Thin.WAIT:
            return "It waits for the next issue: there are too few for this one."
        return "It would go out, but there are too few for an issue."

    def _in_time(self, position: int, candidate: Candidate) -> bool:
        picked = self.policy.blocks[position].kind == BlockKind.PICKED
        return picked or candidate.fresh_at >= self.start

    def _no_room(self, takers: Sequence[int]) -> str:
        blocks = [self.policy.blocks[position] for position in takers]
        if all(len(self.filled[p]) >= self.policy.blocks[p].maximum for p in takers):
            limits = " and ".join(f"{block.title} holds {block.maximum}" for block in blocks)
            return f"No room: {limits}."
        return f"No room: the issue holds {self.policy.maximum}."


def _takes(block: BlockRule, candidate: Candidate) -> bool:
    if block.kind == BlockKind.PICKED:
        return candidate.article_id in block.picks
    if block.source_ids and not block.source_ids & candidate.source_ids:
        return False
    if block.kind == BlockKind.POPULAR:
        return candidate.popularity > 0
    if block.kind == BlockKind.DEEP:
        return candidate.read_depth >= DEEPLY_READ
    return block.kind == BlockKind.LATEST or bool(candidate.topics & block.topics)


def _hours(span: timedelta) -> str:
    return counted(round(span.total_seconds() / 3600), "hour")
