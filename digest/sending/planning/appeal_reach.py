"""Which share of an issue's mails has an appeal or a sponsor that is not for everyone.

Who has had a capped one as often as allowed is counted one by one (`caps`). Who does not belong to
the segment, or chose other topics than the blocks that show it, is counted by a share: when the
issue is planned, by what its subscribers chose and belong to at that moment.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from django.db.models import Count

from digest.issues.models import Issue
from digest.newsletters.choices import ShownIn
from digest.sending.models import AppealReach
from digest.sending.segmentation import Segmentation
from digest.subscribers.audience import eligible
from digest.subscribers.segments.membership import segment_ids

MOST = 5_000  # different choices of subscribers that are looked at, the most frequent first

# Topics that were chosen, topics that were muted, segments that blocks are for and that they belong
# to, and how many subscribers are like this.
Choice = tuple[Collection[str], Collection[str], Collection[int], int]
# The keys of stories and blocks for such a subscriber, by Segmentation.keys_for; None: all.
KeysFor = Callable[
    [Collection[str], None, Collection[str], int, Collection[int]], Collection[int] | None
]


def record_appeals(issue: Issue, segmentation: Segmentation, now: datetime) -> None:
    """Store the share of the mails that have each appeal, where that is not all of them."""
    keys = _restricted(issue, segmentation)
    if not keys:
        return
    shares = shares_of(keys, segmentation.keys_for, choices_of(segmentation, issue, now))
    AppealReach.objects.bulk_create(
        [AppealReach(issue_id=issue.pk, appeal_id=pk, share=share) for pk, share in shares.items()],
        update_conflicts=True,
        update_fields=["share"],
        unique_fields=["issue_id", "appeal_id"],
    )


def choices_of(segmentation: Segmentation, issue: Issue, now: datetime) -> list[Choice]:
    """Return what an issue's subscribers chose, muted and belong to, with how many they are."""
    rows = eligible(issue.newsletter_id, now, segmentation.audience)
    fields = ("topics", "muted_topics", "belongs_to")
    belongs_to = segment_ids(segmentation.audience.segments, "subscriber_id")
    counted = rows.annotate(belongs_to=belongs_to).values(*fields).annotate(number=Count("pk"))
    return list(counted.order_by("-number").values_list(*fields, "number")[:MOST])


def shares_of(
    appeal_keys: Mapping[int, Collection[int]], keys_for: KeysFor, choices: Iterable[Choice]
) -> dict[int, float]:
    """Return the share of mails that have one of the blocks of each appeal. Pure.

    It is 0.0 without mails. `appeal_keys` are the keys of these blocks by the id of the appeal.
    """
    mails, total = dict.fromkeys(appeal_keys, 0), 0
    for topics, muted_topics, segments, number in choices:
        keys = keys_for(topics, None, muted_topics, 0, segments)
        total += number
        for appeal_id, own_keys in appeal_keys.items():
            if keys is None or not set(own_keys).isdisjoint(keys):
                mails[appeal_id] += number
    return {appeal_id: number / total if total else 0.0 for appeal_id, number in mails.items()}


def _restricted(issue: Issue, segmentation: Segmentation) -> dict[int, set[int]]:
    """Return the keys of the mail's blocks of each appeal that has none for everyone."""
    blocks = issue.blocks.filter(hidden=False, appeal__isnull=False).exclude(shown_in=ShownIn.WEB)
    keys: dict[int, set[int]] = {}
    for block in blocks:
        if block.appeal_id:
            keys.setdefault(block.appeal_id, set()).add(block.key)
    return {
        appeal_id: own_keys
        for appeal_id, own_keys in keys.items()
        if all(_is_restricted(segmentation, key) for key in own_keys)
    }


def _is_restricted(segmentation: Segmentation, key: int) -> bool:
    return bool(segmentation.blocks.get(key) or segmentation.block_segments.get(key))
