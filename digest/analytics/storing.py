"""Hits out of the database for judging, and verdicts into it. In SQL, for whole sets at once."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from digest.analytics.folding import Difference, JudgedHit, contribution
from digest.analytics.models import Hit, HitKind, Verdict
from digest.analytics.verdicts.reasons import Reason
from digest.core.database.statements import execute, fetch_rows
from digest.relays.models import Dispatch

# Hits of one visitor in one issue that are judged one by one; nobody clicks more often.
FLOOD = 300

Visitor = tuple[int, int]  # an issue's id, and the visitor


class Row(NamedTuple):
    """A hit as it is stored, with what the database knows about its delivery."""

    issue: int
    visitor: int
    id: int
    at: float  # seconds since 1970, UTC
    kind: int
    link: int
    network: str
    agent: str
    since_delivery: int | None
    while_sending: bool
    verdict: int | None
    reasons: int
    is_named: bool  # the link says whose it is


class Due(NamedTuple):
    """A hit that is to be judged."""

    issue: int
    visitor: int
    kind: int
    link: int
    at: float  # seconds since 1970, UTC
    network: str
    is_named: bool


class Click(NamedTuple):
    """A click on a link that names nobody."""

    link: int
    at: float  # seconds since 1970, UTC
    issue: int
    visitor: int
    network: str
    is_judged: bool


class Span(NamedTuple):
    """A time in which clicks on a link are looked for; both ends belong to it."""

    link: int
    begin: float  # seconds since 1970, UTC
    end: float


class Change(NamedTuple):
    """What is written to a hit."""

    id: int
    verdict: int
    reasons: int
    since_delivery: int | None


def due_hits(until: datetime, most: int) -> list[Due]:
    """Return the hits before `until` that have no verdict, `most` at most."""
    due = Hit.objects.filter(verdict__isnull=True, at__lt=until).order_by("id")
    columns = ("issue_id", "visitor", "kind", "link_id", "at", "network", "subscriber_id")
    return [
        Due(issue, visitor, kind, link, at.timestamp(), network, subscriber is not None)
        for issue, visitor, kind, link, at, network, subscriber in due.values_list(*columns)[:most]
    ]


def unnamed_clicks(spans: Sequence[Span], most: int) -> list[list[Click]]:
    """Return for each span the clicks in it on its link that name nobody, the latest `most`."""
    if not spans:
        return []
    links, begins, ends = (list(column) for column in zip(*spans, strict=True))
    values: dict[str, Any] = {"links": links, "begins": begins, "ends": ends, "most": most}
    clicks: list[list[Click]] = [[] for _ in spans]
    for place, *row in fetch_rows(_UNNAMED_CLICKS, values):
        clicks[place - 1].append(Click(*row))
    return clicks


def visitors_of(issue_id: int, after: int | None, most: int) -> list[Visitor]:
    """Return the visitors of an issue, `most` of those that follow `after`, in their order."""
    hits = Hit.objects.filter(issue_id=issue_id)
    if after is not None:
        hits = hits.filter(visitor__gt=after)
    visitors = hits.order_by("visitor").values_list("issue_id", "visitor").distinct()
    return list(visitors[:most])


def load(visitors: Sequence[Visitor], *, rejudging: bool) -> Iterator[tuple[Visitor, list[Row]]]:
    """Yield the first hits of each visitor in the order of time, at most FLOOD.

    Opens by image proxies stay uncertain whatever comes: once judged, only `rejudging` loads them.
    """
    issues, names = [issue for issue, _ in visitors], [visitor for _, visitor in visitors]
    hits = fetch_rows(
        _LOAD, {"issues": issues, "visitors": names, "again": rejudging, "most": FLOOD}
    )
    rows = [Row(*values) for values in hits]
    for visitor, group in groupby(rows, key=lambda row: (row.issue, row.visitor)):
        yield visitor, list(group)


def save(changes: Sequence[Change]) -> None:
    """Write verdicts, reasons and the time since the delivery."""
    if changes:
        execute(_SAVE, [list(column) for column in zip(*changes, strict=True)])


def save_rest_as_machine(
    issue: int, visitor: int, rows: Sequence[Row], until: datetime, difference: Difference
) -> None:
    """Judge what a visitor did after the first FLOOD hits, without looking at it."""
    values: dict[str, Any] = {
        "issue": issue,
        "visitor": visitor,
        "until": until,
        "judged": [row.id for row in rows],
        "reason": Reason.FLOOD.value,
    }
    hits = [JudgedHit(*row) for row in fetch_rows(_OVERRULE, values)]
    difference.add(issue, contribution([]), contribution(hits))


# The time since the delivery is that of the subscriber's; where nobody is named, that of the
# issue, unless it goes out at each subscriber's own time.
_LOAD = f"""
SELECT hit.issue_id, hit.visitor, hit.id, extract(epoch FROM hit.at)::float8, hit.kind, hit.link_id,
    hit.network, hit.agent, coalesce(hit.since_delivery, timing.since),
    coalesce(timing.sending, false),
    hit.verdict, hit.reasons, hit.subscriber_id IS NOT NULL
FROM unnest(%(issues)s::bigint[], %(visitors)s::bigint[]) AS key (issue_id, visitor)
CROSS JOIN LATERAL (
    SELECT * FROM analytics_hit AS hit
    WHERE hit.issue_id = key.issue_id AND hit.visitor = key.visitor
        AND (%(again)s OR hit.kind <> {HitKind.OPEN:d}
             OR hit.verdict IS DISTINCT FROM {Verdict.UNCERTAIN:d})
    ORDER BY hit.at, hit.id LIMIT %(most)s
) AS hit
LEFT JOIN issues_issue AS issue ON issue.id = hit.issue_id
LEFT JOIN newsletters_newsletter AS newsletter ON newsletter.id = issue.newsletter_id
LEFT JOIN sending_delivery AS delivery ON delivery.issue_id = hit.issue_id
    AND delivery.subscriber_id = hit.subscriber_id AND delivery.state = {Dispatch.State.SENT:d}
LEFT JOIN sending_sentdelivery AS at_once ON at_once.issue_id = hit.issue_id
    AND at_once.subscriber_id = hit.subscriber_id
LEFT JOIN sending_pastdelivery AS past ON past.issue_id = hit.issue_id
    AND past.subscriber_id = hit.subscriber_id AND past.state = {Dispatch.State.SENT:d}
CROSS JOIN LATERAL (
    SELECT CASE WHEN hit.subscriber_id IS NULL AND NOT newsletter.send_in_local_time
            AND hit.at >= issue.planned_at
        THEN hit.at - began END AS unnamed,
        least(coalesce(issue.finished_at, hit.at), began + interval '2 hours') AS sent
    FROM (SELECT greatest(coalesce(issue.send_at, issue.slot), issue.planned_at)) AS start (began)
) AS age
CROSS JOIN LATERAL (
    SELECT extract(epoch FROM coalesce(
            hit.at - coalesce(at_once.at, delivery.settled_at, past.at),
            CASE WHEN age.unnamed >= interval '0' THEN age.unnamed END
        ))::integer AS since,
        age.unnamed >= interval '0' AND hit.at < age.sent + interval '1 hour' AS sending
) AS timing
ORDER BY hit.issue_id, hit.visitor, hit.at, hit.id
"""  # noqa: S608  numbers of ours

_UNNAMED_CLICKS = f"""
SELECT span.place, hit.link_id, extract(epoch FROM hit.at)::float8, hit.issue_id, hit.visitor,
    hit.network, hit.verdict IS NOT NULL
FROM unnest(%(links)s::bigint[], %(begins)s::float8[], %(ends)s::float8[])
    WITH ORDINALITY AS span (link, first, last, place)
CROSS JOIN LATERAL (
    SELECT * FROM analytics_hit AS hit
    WHERE hit.link_id = span.link AND hit.kind = {HitKind.CLICK:d} AND hit.subscriber_id IS NULL
        AND hit.at BETWEEN to_timestamp(span.first) AND to_timestamp(span.last)
    ORDER BY hit.at DESC LIMIT %(most)s
) AS hit
"""  # noqa: S608  numbers of ours

_SAVE = """
UPDATE analytics_hit AS hit
SET verdict = change.verdict, reasons = change.reasons, since_delivery = change.since
FROM unnest(%s::bigint[], %s::smallint[], %s::integer[], %s::integer[])
    AS change (id, verdict, reasons, since)
WHERE hit.id = change.id
"""

_OVERRULE = f"""
UPDATE analytics_hit
SET reasons = %(reason)s, verdict = CASE kind
    WHEN {HitKind.OPEN:d} THEN {Verdict.UNCERTAIN:d} ELSE {Verdict.MACHINE:d} END
WHERE issue_id = %(issue)s AND visitor = %(visitor)s AND verdict IS NULL AND at < %(until)s
    AND id <> ALL (%(judged)s)
RETURNING extract(epoch FROM at)::float8, kind, link_id, verdict
"""  # noqa: S608  numbers of ours
