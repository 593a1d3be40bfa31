"""Which stories an issue carries: a pure function of candidates, policy, what was sent, and now.

A story goes out once in a newsletter, unless it was marked as updated since; the ledger of sent
stories says so, never a date window alone. The window only keeps old stories out of a new issue.
Hand-picked stories come first and ignore the window; topics take theirs before Latest Stories.
Every candidate is either picked or left out, with a reason that an editor can read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from digest.core.clock import spoken
from digest.newsletters.models import Newsletter, Section

Kind = Section.Kind
Thin = Newsletter.Thin

_FILLED_FIRST = {Kind.PICKED: 0, Kind.TOPIC: 1, Kind.LATEST: 2}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What selection needs to know of an article."""

    article_id: int
    title: str
    topics: frozenset[str]  # its section and tags, case folded
    available_at: datetime
    marked_updated_at: datetime | None = None

    @property
    def fresh_at(self) -> datetime:
        """The moment that the window and the order go by."""
        return max(self.available_at, self.marked_updated_at or self.available_at)


@dataclass(frozen=True, slots=True)
class SectionRule:
    """What a section takes."""

    title: str
    kind: str
    maximum: int
    topics: frozenset[str] = frozenset()  # case folded
    picks: tuple[int, ...] = ()  # article ids, in the editor's order


@dataclass(frozen=True, slots=True)
class Policy:
    """How a newsletter chooses."""

    sections: tuple[SectionRule, ...]  # in the order they are shown
    minimum: int
    maximum: int
    look_back: timedelta
    widen_to: timedelta
    thin: str
    timezone: tzinfo  # of the times in reasons


class Picked(NamedTuple):
    """An article that goes out."""

    article_id: int
    section: str
    reason: str


class LeftOut(NamedTuple):
    """An article that doesn't."""

    article_id: int
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The outcome: stories in the order shown, and why the issue is skipped if it is."""

    stories: tuple[Picked, ...]
    left_out: tuple[LeftOut, ...]
    skip: str = ""


def select(
    candidates: Iterable[Candidate],
    policy: Policy,
    sent: Mapping[int, datetime],
    now: datetime,
    since: datetime | None = None,
) -> Selection:
    """Choose the stories of an issue.

    `sent` maps article ids to when they last went out in this newsletter. `since`, where given,
    is the last issue that went out: the window reaches back at least that far, so that stories
    kept for a later issue are not too old for it. All times are aware.
    """
    ranked = sorted(candidates, key=lambda c: (-c.fresh_at.timestamp(), c.article_id))
    barred = dict(_barred(ranked, sent, now, policy.timezone))
    free = [candidate for candidate in ranked if candidate.article_id not in barred]
    start = min(now - policy.look_back, since or now)
    picked = _fill(free, policy, start)
    if len(picked) < policy.minimum and policy.thin == Thin.WIDEN:
        start = min(start, now - policy.widen_to)
        picked = _fill(free, policy, start)
    skip = _thin_reason(len(picked), policy)
    chosen = {story.article_id for story in picked}
    rest = (c for c in ranked if c.article_id not in chosen)
    left_out = tuple(_left_out(c, barred, policy, start, now) for c in rest)
    return Selection(() if skip else tuple(picked), left_out, skip)


def _barred(
    candidates: Iterable[Candidate], sent: Mapping[int, datetime], now: datetime, tz: tzinfo
) -> Iterator[tuple[int, str]]:
    """Yield those that may not go out at all, with the reason."""
    for candidate in candidates:
        last = sent.get(candidate.article_id)
        marked = candidate.marked_updated_at
        if candidate.available_at > now:
            yield candidate.article_id, f"Not before {spoken(candidate.available_at, tz)}."
        elif last is not None and (marked is None or marked <= last):
            yield candidate.article_id, f"Already sent on {spoken(last, tz)}."


def _fill(free: Sequence[Candidate], policy: Policy, start: datetime) -> list[Picked]:
    """Fill the sections from the candidates that are free, window open from `start`."""
    room, taken = policy.maximum, set[int]()
    filled: dict[int, list[Picked]] = {}
    order = sorted(enumerate(policy.sections), key=lambda pair: _FILLED_FIRST[Kind(pair[1].kind)])
    for position, section in order:
        fitting = _fitting(section, free, taken, start)
        stories = fitting[: min(section.maximum, room)]
        filled[position] = [_picked(story, section, policy.timezone) for story in stories]
        taken.update(story.article_id for story in stories)
        room -= len(stories)
    return [story for position in sorted(filled) for story in filled[position]]


def _fitting(
    section: SectionRule, free: Sequence[Candidate], taken: Collection[int], start: datetime
) -> list[Candidate]:
    left = [candidate for candidate in free if candidate.article_id not in taken]
    if section.kind == Kind.PICKED:
        by_id = {candidate.article_id: candidate for candidate in left}
        return [by_id[article_id] for article_id in section.picks if article_id in by_id]
    recent = [candidate for candidate in left if candidate.fresh_at >= start]
    if section.kind == Kind.TOPIC:
        return [candidate for candidate in recent if candidate.topics & section.topics]
    return recent


def _picked(candidate: Candidate, section: SectionRule, tz: tzinfo) -> Picked:
    when = spoken(candidate.fresh_at, tz)
    if section.kind == Kind.PICKED:
        reason = "Picked by hand."
    elif candidate.marked_updated_at == candidate.fresh_at:
        reason = f"Marked as updated on {when}."
    elif section.kind == Kind.TOPIC:
        topics = ", ".join(sorted(candidate.topics & section.topics))
        reason = f"About {topics}, published on {when}."
    else:
        reason = f"Published on {when}."
    return Picked(candidate.article_id, section.title, reason)


def _thin_reason(found: int, policy: Policy) -> str:
    """Say why too few stories make no issue; empty if there are enough."""
    if found >= max(policy.minimum, 1):
        return ""
    thing = "story" if found == 1 else "stories"
    counted = f"{found or 'No'} new {thing}, at least {max(policy.minimum, 1)} wanted"
    if policy.thin == Thin.WAIT:
        return f"{counted}; what there is waits for the next issue."
    if policy.thin == Thin.WIDEN:
        return f"{counted}, even when looking back {_hours(policy.widen_to)}."
    return f"{counted}; this issue is skipped."


def _left_out(
    candidate: Candidate,
    barred: Mapping[int, str],
    policy: Policy,
    start: datetime,
    now: datetime,
) -> LeftOut:
    if reason := barred.get(candidate.article_id):
        pass
    elif candidate.fresh_at < start:
        reason = f"Older than {_hours(now - start)}."
    elif not any(_takes(section, candidate) for section in policy.sections):
        reason = "No section takes it."
    else:
        reason = (
            f"No room: the issue holds {policy.maximum}, and sections have maxima of their own."
        )
    return LeftOut(candidate.article_id, candidate.title, reason)


def _takes(section: SectionRule, candidate: Candidate) -> bool:
    if section.kind == Kind.PICKED:
        return candidate.article_id in section.picks
    return section.kind == Kind.LATEST or bool(candidate.topics & section.topics)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.0f} hours"
