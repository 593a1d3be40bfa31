"""Past issues into the archive of a newsletter: chosen, cleaned, stored once each.

None has a state, an audience or a delivery, so nothing can send one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from digest.articles.plain_text import LONGEST_MARKUP
from digest.core.text import one_line
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.transfers.cleaning import clean, picture_hosts
from digest.transfers.issues.content import NO_PAGE, Item, PastContent
from digest.transfers.models import LONGEST_ORIGIN, LONGEST_SUBJECT, PastIssue, Transfer
from digest.transfers.reporting import IssueReport, LeftIssue

MOST = 20_000  # of one export
NOT_PUBLIC = "was not public there, or the export does not say so"
NOT_WANTED = "no past issues were wanted"
TOO_LONG = f"its page is longer than {LONGEST_MARKUP:,} characters"
TOO_MANY = f"more than {MOST:,} past issues"
_SECOND = timedelta(seconds=1)


class Target(NamedTuple):
    """Where past issues go."""

    newsletter: Newsletter
    transfer: Transfer | None
    choice: str  # Transfer.Issues


@dataclass(slots=True)
class _Archived:
    """What the newsletter's archive has already."""

    origins: set[tuple[str, str]] = field(default_factory=set)
    slots: set[datetime] = field(default_factory=set)


def check_issues(
    items: Iterable[Item],
    target: Target,
    *,
    dry_run: bool,
    on_progress: Callable[[int], None] = lambda _number: None,
) -> IssueReport:
    """Decide on each past issue, and store those that come unless it is a dry run.

    `on_progress` gets how many were decided on.
    """
    report, archived = IssueReport(), _archived(target.newsletter)
    for number, item in enumerate(items):
        _take(item, target, report, archived, dry_run=dry_run)
        on_progress(number + 1)
    return report


def remove(transfer: Transfer) -> int:
    """Take the past issues that a transfer brought out of the archive; return how many."""
    return transfer.past_issues.all().delete()[0]


def _archived(newsletter: Newsletter) -> _Archived:
    rows = list(newsletter.past_issues.values_list("service", "origin", "slot"))
    slots = set(Issue.objects.filter(newsletter=newsletter).values_list("slot", flat=True))
    return _Archived(
        origins={(service, origin) for service, origin, _ in rows},
        slots={slot.replace(microsecond=0) for slot in slots} | {slot for *_, slot in rows},
    )


def _take(
    item: Item, target: Target, report: IssueReport, archived: _Archived, *, dry_run: bool
) -> None:
    if isinstance(item, LeftIssue):
        report.leave(_title(item.title), item.reason)
        return
    subject = _title(item.subject) or target.newsletter.name
    if reason := _obstacle(item, target, report):
        report.leave(subject, reason)
        return
    day = f"{item.sent_at:%Y-%m-%d}"
    origin = one_line(item.origin, LONGEST_ORIGIN)
    if (item.service, origin) in archived.origins:
        report.add(day, subject, (), is_new=False)
        return
    html = clean(item.html)
    if not html:
        report.leave(subject, NO_PAGE)
        return
    slot = _free_slot(item.sent_at, archived.slots)
    archived.slots.add(slot)
    archived.origins.add((item.service, origin))
    report.add(day, subject, picture_hosts(html).elements(), is_new=True)
    if not dry_run:
        _store(item, target, origin=origin, slot=slot, subject=subject, html=html)


def _obstacle(item: PastContent, target: Target, report: IssueReport) -> str:
    if target.choice == Transfer.Issues.NONE:
        return NOT_WANTED
    if target.choice == Transfer.Issues.PUBLIC and not item.is_public:
        return NOT_PUBLIC
    if len(item.html) > LONGEST_MARKUP:
        return TOO_LONG
    return TOO_MANY if report.added + report.unchanged >= MOST else ""


def _store(
    item: PastContent, target: Target, *, origin: str, slot: datetime, subject: str, html: str
) -> None:
    """Store one; another import that was faster keeps its own."""
    with transaction.atomic():
        PastIssue.objects.bulk_create(
            [
                PastIssue(
                    newsletter=target.newsletter,
                    transfer=target.transfer,
                    service=item.service,
                    origin=origin,
                    slot=slot,
                    subject=subject,
                    preheader=_title(item.preheader),
                    html=html,
                )
            ],
            ignore_conflicts=True,
        )


def _free_slot(sent_at: datetime, slots: set[datetime]) -> datetime:
    """Return the second in which it was sent, or the next that no other issue has."""
    slot = sent_at.replace(microsecond=0)
    while slot in slots:
        slot += _SECOND
    return slot


def _title(text: str) -> str:
    return one_line(text, LONGEST_SUBJECT)
