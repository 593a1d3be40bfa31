"""Clicks of data centres beside those of people, where links name nobody (verdicts.crowd).

judge_coincident  what counts as a person's, and came just when somebody else clicked the link
reopened          whose clicks look different, as a person's click was written late
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from digest.analytics import storing
from digest.analytics.models import HitKind, Verdict
from digest.analytics.storing import Due, Row, Span, Visitor
from digest.analytics.verdicts import Judgement
from digest.analytics.verdicts.crowd import (
    AFTER_SECONDS,
    PERSONAL_NETWORKS,
    USUAL_SECONDS,
    Neighbour,
    by_crowd,
)
from digest.analytics.verdicts.networks import NetworkClass, Networks
from digest.analytics.verdicts.reasons import verdict_of

MOST_NEIGHBOURS = 100  # of a click; a link with more of them is not quiet


def judge_coincident(
    visits: Iterable[tuple[Sequence[Row], list[Judgement]]], index: Networks
) -> None:
    """Change, in place, the judgements of clicks that came just when a person clicked the link."""
    suspects = [
        (row, judgements, place)
        for rows, judgements in visits
        for place, row in enumerate(rows)
        if judgements[place][0] is Verdict.HUMAN and _is_suspect(row, index)
    ]
    spans = [
        Span(row.link, row.at - USUAL_SECONDS, row.at + AFTER_SECONDS) for row, _, _ in suspects
    ]
    clicks = storing.unnamed_clicks(spans, MOST_NEIGHBOURS)
    for (row, judgements, place), nearby in zip(suspects, clicks, strict=True):
        if len(nearby) < MOST_NEIGHBOURS:
            neighbours = [Neighbour(click.at, index.class_of(click.network)) for click in nearby]
            if reason := by_crowd(row.at, neighbours):
                judgements[place] = verdict_of(reason), reason


def reopened(due: Iterable[Due], index: Networks) -> set[Visitor]:
    """Return the visitors from data centres, judged already, beside whom people's clicks are due.

    There are some only where hits were written late: while the database was away, for instance.
    """
    times: dict[int, list[float]] = defaultdict(list)
    for hit in due:
        is_click = hit.kind == HitKind.CLICK and not hit.is_named
        if is_click and index.class_of(hit.network) in PERSONAL_NETWORKS:
            times[hit.link].append(hit.at)
    spans = [span for link, moments in times.items() for span in _spans(link, sorted(moments))]
    return {
        (click.issue, click.visitor)
        for clicks in storing.unnamed_clicks(spans, 2 * MOST_NEIGHBOURS)
        for click in clicks
        if click.is_judged and index.class_of(click.network) is NetworkClass.HOSTING
    }


def _is_suspect(row: Row, index: Networks) -> bool:
    return (
        row.kind == HitKind.CLICK
        and not row.is_named
        and index.class_of(row.network) is NetworkClass.HOSTING
    )


def _spans(link: int, moments: Sequence[float]) -> list[Span]:
    """Return when data centres' clicks change by people's at these moments: short spans."""
    spans: list[Span] = []
    for at in moments:
        end = at + USUAL_SECONDS
        if spans and end - spans[-1].begin <= 2 * USUAL_SECONDS:
            spans[-1] = spans[-1]._replace(end=end)
        else:
            spans.append(Span(link, at - AFTER_SECONDS, end))
    return spans
