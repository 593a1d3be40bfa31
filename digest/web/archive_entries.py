"""The public archive of a newsletter: its issues, and those that it sent with another service.

They are two tables, because nothing may ever send a past issue; a page of the archive reads the
keys of both in one query, and then its own rows.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.models import BooleanField, QuerySet, Value

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.sending.public_archive import find_issue, public_issues, with_stories
from digest.transfers.models import PastIssue

Entry = Issue | PastIssue


class Entries:
    """What the archive of a newsletter has, the latest first: its length, and slices of it."""

    def __init__(self, newsletter: Newsletter) -> None:
        self._newsletter = newsletter
        issues = public_issues(newsletter).order_by()
        past_issues = newsletter.past_issues.order_by()
        self._keys = _keys(issues, is_past=False).union(_keys(past_issues, is_past=True), all=True)

    def __len__(self) -> int:
        return int(self._keys.count())

    def __getitem__(self, part: slice) -> list[Entry]:
        """Return the entries of a page, those of ours with the stories that they show."""
        keys: list[tuple[datetime, int, bool]] = list(self._keys.order_by("-slot", "pk")[part])
        issues = with_stories(Issue.objects.all()).in_bulk(_ids(keys, is_past=False))
        past_issues = PastIssue.objects.defer("html").in_bulk(_ids(keys, is_past=True))
        entries: list[Entry] = []
        for _, pk, is_past in keys:
            entries.append(past_issues[pk] if is_past else issues[pk])
        return entries


def find_entry(newsletter: Newsletter, key: str) -> Entry | None:
    """Return what the archive has under this key (`20261123T070000Z`), or None."""
    if issue := find_issue(newsletter, key):
        return issue
    try:
        slot = datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    past_issues = newsletter.past_issues.select_related("newsletter__publication")
    return past_issues.filter(slot=slot).first()


def neighbours(entry: Entry) -> tuple[Entry | None, Entry | None]:
    """Return what the archive has before and after an entry."""
    issues, past_issues = public_issues(entry.newsletter), entry.newsletter.past_issues
    before: list[Entry | None] = [
        issues.filter(slot__lt=entry.slot).first(),
        past_issues.filter(slot__lt=entry.slot).defer("html").order_by("-slot").first(),
    ]
    after: list[Entry | None] = [
        issues.filter(slot__gt=entry.slot).order_by("slot").first(),
        past_issues.filter(slot__gt=entry.slot).defer("html").order_by("slot").first(),
    ]
    earlier: list[Entry] = [row for row in before if row]
    later: list[Entry] = [row for row in after if row]
    return max(earlier, key=_slot, default=None), min(later, key=_slot, default=None)


def _slot(entry: Entry) -> datetime:
    return entry.slot


def _keys(rows: "QuerySet[Issue] | QuerySet[PastIssue]", *, is_past: bool) -> Any:
    marked = rows.annotate(is_past=Value(is_past, output_field=BooleanField()))
    return marked.values_list("slot", "pk", "is_past")


def _ids(keys: list[tuple[datetime, int, bool]], *, is_past: bool) -> list[int]:
    return [pk for _, pk, from_elsewhere in keys if from_elsewhere == is_past]
