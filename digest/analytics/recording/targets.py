"""What the token of a tracked link or a pixel stands for, remembered by the process.

A link is looked up when it is followed for the first time. What is remembered is renewed when hits
are written, or after some seconds, so that a retraction takes effect; while PostgreSQL is away it
is used as it is.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import Error

from digest.core import links
from digest.core.errors import LinkGoneError
from digest.core.links import Row, RowsLink
from digest.issues.models import Issue, TrackedLink
from digest.rendering.cleaned import mail_url

FRESH_SECONDS = 5.0  # for which a target is used as it is
AWAY_SECONDS = 2.0  # for which PostgreSQL is not asked again, when it was away
MOST = 50_000  # targets that a process remembers
_BIGGEST = 2**63 - 1


class TargetUnavailableError(Exception):
    """PostgreSQL is away, and the process does not know the link."""


@dataclass(frozen=True, slots=True)
class Target:
    """A tracked link."""

    row: Row
    issue: Row
    kind: str  # of TrackedLink.Kind
    address: str  # where it leads; empty for an answer, and for what is not a web address
    is_retracted: bool  # the story in its issue, or its article everywhere


class Targets:
    """The tracked links and issues that this process has seen."""

    def __init__(self) -> None:
        self._links: dict[int, tuple[Target, float]] = {}
        self._issues: dict[int, Row] = {}
        self._away_until = 0.0

    def link(self, token: str) -> Target:
        """Return the link of a click's token.

        Raises LinkError for a token that is not one of ours, LinkGoneError if its link is gone,
        TargetUnavailableError while PostgreSQL is away.
        """
        rows = links.read_click_token(token)
        target = self._link(rows.ids[1])
        if target and not rows.matches(target.issue, target.row):
            target = self._load_link(rows.ids[1])  # the database may have been restored
        if target is None or rows.ids[0] != target.issue.pk:
            raise LinkGoneError(links.OUTDATED)
        rows.require(target.issue, target.row)
        return target

    def issue(self, token: str) -> Row:
        """Return the issue of a pixel's token; raises the same errors."""
        rows = links.read_open_token(token)
        issue = self._issues.get(rows.ids[0])
        if issue is None or not rows.matches(issue):
            issue = self._load_issue(rows)
        rows.require(issue)
        return issue

    def renew(self, ids: Iterable[int]) -> None:
        """Look up links again that are remembered."""
        for target in _load(ids):
            self._remember(target)

    def forget(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def _link(self, link_id: int) -> Target | None:
        now = time.monotonic()
        target, since = self._links.get(link_id, (None, 0.0))
        is_fresh = now < since + FRESH_SECONDS or now < self._away_until
        return target if target and is_fresh else self._load_link(link_id)

    def _load_link(self, link_id: int) -> Target | None:
        """Look a link up; what is remembered of it is good enough while PostgreSQL is away."""
        try:
            target = next(iter(_load([link_id])), None)
        except Error as cause:
            self._away_until = time.monotonic() + AWAY_SECONDS
            if link_id in self._links:
                return self._links[link_id][0]
            raise TargetUnavailableError from cause
        if target:
            self._remember(target)
        return target

    def _load_issue(self, rows: RowsLink) -> Row:
        issues = Issue.objects.filter(pk=min(rows.ids[0], _BIGGEST))
        try:
            pair = issues.values_list("pk", "uuid").first()
        except Error as cause:
            raise TargetUnavailableError from cause
        if pair is None:
            raise LinkGoneError(links.OUTDATED)
        if len(self._issues) >= MOST:
            self._issues.clear()
        self._issues[pair[0]] = Row(*pair)
        return self._issues[pair[0]]

    def _remember(self, target: Target) -> None:
        if len(self._links) >= MOST:
            self._links.clear()
        self._links[target.row.pk] = (target, time.monotonic())


def _load(ids: Iterable[int]) -> Iterable[Target]:
    rows = TrackedLink.objects.filter(pk__in=[pk for pk in ids if pk <= _BIGGEST]).values_list(
        "pk", "uuid", "issue_id", "issue__uuid", "kind", "url",
        "story__retracted_at", "story__article__retracted_at",
    )  # fmt: skip
    for pk, uuid, issue_id, issue_uuid, kind, url, *retracted in rows:
        yield Target(Row(pk, uuid), Row(issue_id, issue_uuid), kind, mail_url(url), any(retracted))


TARGETS = Targets()  # of this process
