"""Where an appeal or a sponsor ran: in which issues, and to how many subscribers it was sent."""

from dataclasses import dataclass

from django.db.models import QuerySet

from digest.issues.models import Block, Issue
from digest.newsletters.models import Appeal
from digest.sending.models import Delivery, PastDelivery
from digest.sending.progress import progress

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
    rows = blocks.order_by("-issue__slot", "-pk")[:most]
    return [Appearance(row.issue, row, _sent(row.issue, appeal)) for row in rows]


def blocks_with(appeal: Appeal) -> QuerySet[Block]:
    """Return the blocks that show an appeal in issues that were not skipped."""
    blocks = Block.objects.filter(appeal=appeal, hidden=False)
    return blocks.exclude(issue__state=Issue.State.SKIPPED)


def _sent(issue: Issue, appeal: Appeal) -> int:
    sent = progress(issue).sent
    return sent - sum(
        table.objects.filter(
            issue=issue, state=State.SENT, without_appeals__contains=[appeal.pk]
        ).count()
        for table in (Delivery, PastDelivery)
    )
