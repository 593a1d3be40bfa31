"""What a change would do: how many change, how many do not and why, with examples of both.

Up to 20 chunks are sorted by the very rule that the job follows; of more, 20 at random are, and the
numbers say "about".
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from digest.bulk.actions import ACTIONS, action_of
from digest.bulk.errors import BulkError, InvalidChangeError
from digest.bulk.models import BulkChange
from digest.subscribers.models import Subscriber
from digest.subscribers.segments.counting import Count, scaled

SAMPLE = 20  # chunks
EXAMPLES = 3  # subscribers

Kind = BulkChange.Kind


@dataclass(frozen=True, slots=True)
class Group:
    """Subscribers of a selection who change, or who do not for one reason."""

    reason: str  # blank: they change; completes "subscribers who"
    count: Count
    examples: Sequence[str]  # addresses


@dataclass(frozen=True, slots=True)
class Preview:
    """Those who change, and the others by reason, the most frequent first."""

    changing: Group
    refused: Sequence[Group]


def choose(change: BulkChange, kind: str, data: Mapping[str, str]) -> None:
    """Set what a draft does, from the fields of a form; raise DigestError for what cannot be."""
    if change.state != BulkChange.State.DRAFT:
        raise BulkError("This change has begun already.")
    if kind not in Kind.values:
        raise InvalidChangeError("Choose what to change.")
    change.values = ACTIONS[Kind(kind)].read(change.publication, data)
    change.kind = kind
    drafts = BulkChange.objects.filter(pk=change.pk, state=BulkChange.State.DRAFT)
    drafts.update(kind=kind, values=change.values)


def preview(change: BulkChange) -> Preview:
    """Return what a change would do now; nothing is changed."""
    action, chunks = action_of(change), change.chunks.order_by("pk")
    pks = list(chunks.values_list("pk", flat=True))
    if len(pks) > SAMPLE:
        pks = Random(change.pk).sample(pks, SAMPLE)  # noqa: S311  not a secret
    counts, examples = Counter[str](), defaultdict[str, list[int]](list)
    for chunk in chunks.filter(pk__in=pks):
        sorting = action.sort(change, chunk.subscriber_ids)
        for reason, ids in {"": list(sorting.changing), **sorting.refused}.items():
            counts[reason] += len(ids)
            examples[reason] += ids[: EXAMPLES - len(examples[reason])]
    groups = _groups(counts, examples, change.selected)
    changing = groups.pop("", Group("", Count(0), []))
    return Preview(changing, list(groups.values()))


def _groups(
    counts: Counter[str], examples: Mapping[str, Sequence[int]], selected: int
) -> dict[str, Group]:
    ids = [pk for pks in examples.values() for pk in pks]
    emails = dict(Subscriber.objects.filter(pk__in=ids).values_list("pk", "email"))
    sampled = counts.total()
    return {
        reason: Group(
            reason,
            scaled(count, sampled, selected),
            [emails[pk] for pk in examples[reason] if pk in emails],
        )
        for reason, count in counts.most_common()
    }
