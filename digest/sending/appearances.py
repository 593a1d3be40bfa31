"""Where an appeal or a sponsor ran: in which issues, and to how many subscribers it was sent."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from digest.issues.models import Block, Issue
from digest.newsletters.models import Appeal
from digest.sending.models import AppealTally, Delivery, Tally

State = Delivery.State
MOST = 50  # issues, the latest first


@dataclass(frozen=True, slots=True)
class Appearance:
    """An appeal in one issue."""

    issue: Issue
    block: Block
    sent: int  # subscribers whose mail was sent with it

    @property
    def is_coming(self) -> bool:
        """Whether the issue can still be changed."""
        return self.block.issue.state in (Issue.State.DRAFT, Issue.State.BUILT)


def appearances(appeal: Appeal, most: int = MOST) -> list[Appearance]:
    """Return the issues that show an appeal, the latest first."""
    blocks = blocks_with(appeal).select_related("issue__newsletter__publication")
    rows = list(blocks.order_by("-issue__slot", "-pk")[:most])
    sent = _sent(appeal, {row.issue_id for row in rows})
    return [Appearance(row.issue, row, sent[row.issue_id]) for row in rows]


def impressions(appeal: Appeal, most: int = MOST) -> list[tuple[Issue, int]]:
    """Return the issues that were planned with an appeal and the mails sent with it, latest first.

    An issue that shows it in two blocks counts once.
    """
    issues = Issue.objects.filter(
        pk__in=blocks_with(appeal).values("issue"), planned_at__isnull=False
    )
    rows = list(issues.select_related("newsletter__publication").order_by("-slot", "-pk")[:most])
    sent = _sent(appeal, {row.pk for row in rows})
    return [(row, sent[row.pk]) for row in rows]


def blocks_with(appeal: Appeal) -> QuerySet[Block]:
    """Return the blocks that show an appeal in issues that were not skipped."""
    blocks = Block.objects.filter(appeal=appeal, hidden=False)
    return blocks.exclude(issue__state=Issue.State.SKIPPED)


def _sent(appeal: Appeal, issue_ids: Collection[int]) -> Counter[int]:
    """Return how many mails of issues were sent with an appeal, by issue."""
    rows = Tally.objects.filter(issue_id__in=issue_ids, state=State.SENT)
    sent = Counter(dict(rows.values_list("issue_id").annotate(Sum("deliveries"))))
    without = AppealTally.objects.filter(appeal_id=appeal.pk, issue_id__in=issue_ids)
    sent.subtract(dict(without.values_list("issue_id").annotate(Sum("deliveries"))))
    return sent
