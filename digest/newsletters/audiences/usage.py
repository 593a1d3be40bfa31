"""Which issue that is going out depends on a segment or an appeal: whom it is for must stay.

Senders look at the rules again with each batch, and an issue must not follow two of them. Issues
stand on a floor above, so they are reached by the relations that lead back from them.
"""

from itertools import chain
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from digest.newsletters.audiences.models import Segment

if TYPE_CHECKING:
    from digest.newsletters.models import Appeal, Newsletter


def issue_with_segment(segment: Segment) -> Any | None:
    """Return an issue that is going out and depends on a segment; None if there is none."""
    going_out = {"planned_at__isnull": False, "finished_at": None, "stands_open": False}
    issues = segment.issues.select_related("newsletter").filter(**going_out)
    of_newsletters = [issue_of_newsletter(row) for row in segment.newsletters.all()]
    blocks = chain(_going_out(segment.blocks.all()), *map(_of_appeal, segment.appeals.all()))
    first = issues.first() or next((block.issue for block in blocks), None)
    return first or next(filter(None, of_newsletters), None)


def issue_of_newsletter(newsletter: "Newsletter") -> Any | None:
    """Return an issue of a newsletter that is going out; None if there is none."""
    going_out = {"planned_at__isnull": False, "finished_at": None, "stands_open": False}
    issues: QuerySet[Any] = newsletter.issues.select_related("newsletter")
    return issues.filter(**going_out).first()


def issue_with_appeal(appeal: "Appeal") -> Any | None:
    """Return an issue that is going out and shows an appeal; None if there is none."""
    return next((block.issue for block in _of_appeal(appeal)), None)


def _of_appeal(appeal: "Appeal") -> QuerySet[Any]:
    return _going_out(appeal.blocks.all())


def _going_out(blocks: QuerySet[Any]) -> QuerySet[Any]:
    """Return the blocks of issues that are planned and not finished, also of paused ones.

    Not those of mails that stand open: each subscriber gets one by the rules of that moment.
    """
    going_out = {"issue__planned_at__isnull": False, "issue__finished_at": None}
    going_out |= {"issue__stands_open": False}
    return blocks.select_related("issue__newsletter").filter(**going_out)
