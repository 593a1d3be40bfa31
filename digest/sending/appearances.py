"""Where an appeal or a sponsor ran: in which issues, and to how many subscribers it was sent."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from digest.issues.models import Block, Issue
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Appeal
from digest.sending.models import AppealReach, AppealTally, Delivery, Tally

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
    """Return the issues that show an appeal, the latest first; no mail has a block of the web."""
    blocks = blocks_with(appeal).select_related("issue__newsletter__publication")
    rows = list(blocks.order_by("-issue__slot", "-pk")[:most])
    sent = _sent(appeal, {row.issue_id for row in rows if row.shown_in != ShownIn.WEB})
    return [
        Appearance(row.issue, row, 0 if row.shown_in == ShownIn.WEB else sent[row.issue_id])
        for row in rows
    ]


def impressions(appeal: Appeal, most: int = MOST) -> list[tuple[Issue, int]]:
    """Return the issues that were planned with an appeal and the mails sent with it, latest first.

    An issue that shows it in two blocks counts once, one that shows it on the web alone does not.
    """
    blocks = blocks_with(appeal).exclude(shown_in=ShownIn.WEB)
    issues = Issue.objects.filter(pk__in=blocks.values("issue"), planned_at__isnull=False)
    rows = list(issues.select_related("newsletter__publication").order_by("-slot", "-pk")[:most])
    sent = _sent(appeal, {row.pk for row in rows})
    return [(row, sent[row.pk]) for row in rows]


def blocks_with(appeal: Appeal) -> QuerySet[Block]:
    """Return the blocks that show an appeal in issues that were not skipped."""
    blocks = Block.objects.filter(appeal=appeal, hidden=False)
    return blocks.exclude(issue__state=Issue.State.SKIPPED)


def _sent(appeal: Appeal, issue_ids: Collection[int]) -> Counter[int]:
    """Return how many mails of issues were sent with an appeal, by issue.

    Where it was for some subscribers only: about, by their share when the issue was planned.
    """
    rows = Tally.objects.filter(issue_id__in=issue_ids, state=State.SENT)
    sent = Counter(dict(rows.values_list("issue_id").annotate(Sum("deliveries"))))
    without = AppealTally.objects.filter(appeal_id=appeal.pk, issue_id__in=issue_ids)
    sent.subtract(dict(without.values_list("issue_id").annotate(Sum("deliveries"))))
    restricted = AppealReach.objects.filter(appeal_id=appeal.pk, issue_id__in=issue_ids)
    for issue_id, share in restricted.values_list("issue_id", "share"):
        sent[issue_id] = round(sent[issue_id] * share)
    return sent
