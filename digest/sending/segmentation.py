"""Which stories and blocks of an issue a subscriber gets: those of their topics, or all."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from digest.core import clock
from digest.issues.experiments.models import Experiment
from digest.issues.experiments.variants import Leads, experiment_of, leads_of
from digest.issues.models import Block, Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Cadence, LayoutBlock
from digest.rendering.blocks import variants
from digest.rendering.compiled import Compiled
from digest.sending.experiments.assigning import split_of
from digest.sending.experiments.split import Split
from digest.subscribers.audience import Audience
from digest.subscribers.models import Subscription
from digest.subscribers.segments.membership import memberships_of, segment_ids


@dataclass(frozen=True, slots=True)
class Segmentation:
    """An issue ready to be sent, with the topics of each of its stories and blocks."""

    compiled: Compiled
    audience: Audience  # of the issue: the claim selects its subscribers
    stories: Mapping[int, frozenset[str]]  # topics by position, of the stories that may go out
    # By key, of all visible blocks: only for subscribers of these topics; none: for everyone.
    blocks: Mapping[int, frozenset[str]]
    block_keys: Mapping[int, int]  # the key of the block of each story, by position
    appeal_keys: Mapping[int, frozenset[int]]  # keys of the visible blocks that show it, by its id
    complete: bool = True  # these are all that were compiled: none was retracted
    experiment: Experiment | None = None  # what is tested, or will be
    split: Split | None = None  # who gets which variant of it, once it has begun
    leads: Leads | None = None  # which stories stand first, where leads are tested
    # By key, of visible blocks that are, or whose appeal is, only for members of all these segments
    block_segments: Mapping[int, frozenset[int]] = field(default_factory=dict)

    def keys_for(
        self,
        topics: Collection[str],
        without_appeals: Collection[int] | None = None,
        muted_topics: Collection[str] = (),
        variant: int = 0,
        segments: Collection[int] | None = None,
    ) -> frozenset[int] | None:
        """Return the keys of stories and blocks for a subscriber of these topics; None for all.

        Where leads are tested, `variant` says which story stands first. `segments` (ids) are those
        that the subscriber belongs to; None: of all.

        The blocks that show one of `without_appeals` (ids) are not among them, nor stories of
        `muted_topics`, unless they are of a chosen topic too or no story is left.
        A topic that cannot be chosen any more is ignored. A subscriber who has no story of their
        topics has changed them since the claim, and gets all stories.
        """
        chosen = self.audience.choosable.intersection(topics)
        blocks = {
            key
            for key, topics_of_block in self.blocks.items()
            if not (topics_of_block and chosen) or topics_of_block & chosen
        }
        for appeal_id in without_appeals or ():
            blocks -= self.appeal_keys.get(appeal_id, frozenset())
        if segments is not None:
            blocks -= {key for key, of in self.block_segments.items() if not of <= set(segments)}
        available = {n for n in self.stories if self.block_keys.get(n) in blocks}
        positions = {n for n in available if self.stories[n] & chosen} or available
        if muted_topics:
            positions = self._without(positions, chosen, muted_topics) or positions
        if self.leads:
            keys = variants.keys_of(self.leads, variant, positions)
            return frozenset(positions | blocks | keys)
        is_all = len(positions) == len(self.stories) and len(blocks) == len(self.blocks)
        return None if is_all and self.complete else frozenset(positions | blocks)

    def segments_of(self, subscriber_id: int) -> tuple[int, ...]:
        """Return those of the blocks' segments that a single subscriber belongs to."""
        belongs_to = segment_ids(self.audience.segments, "subscriber_id")
        rows = Subscription.objects.filter(subscriber=subscriber_id)
        ids = rows.values_list(belongs_to, flat=True).first() if self.audience.segments else None
        return tuple(ids or ())

    @property
    def problem(self) -> str:
        """Why the issue cannot be sent: a segment of it cannot be read; "" if all can."""
        memberships = (*self.audience.only_segments, *self.audience.segments)
        broken = next((row for row in memberships if row.problem), None)
        if broken is None:
            return ""
        return (
            f"The segment “{broken.name}” cannot be used: {broken.problem} "
            "Change the rules of the segment."
        )

    def subject_of(self, variant: int) -> str:
        """Return the subject of a variant; "" for the issue's own."""
        subjects = self.experiment.subjects if self.experiment else []
        return subjects[variant - 1] if 0 < variant <= len(subjects) else ""

    def _without(
        self, positions: Collection[int], chosen: Collection[str], muted_topics: Collection[str]
    ) -> set[int]:
        return {
            position
            for position in positions
            if self.stories[position].isdisjoint(muted_topics)
            or not self.stories[position].isdisjoint(chosen)
        }


def segmentation_of(issue: Issue, compiled: Compiled) -> Segmentation:
    """Sort an issue's stories by the topics that its newsletter's layout has now."""
    topic_blocks = LayoutBlock.objects.filter(newsletter=issue.newsletter_id, kind=BlockKind.TOPIC)
    choosable = frozenset(topic_blocks.values_list("title", flat=True))
    visible = list(issue.blocks.filter(hidden=False).select_related("appeal"))
    compiled_stories = issue.stories.exclude(position__in=compiled.dropped).filter(
        block__hidden=False
    )
    experiment = experiment_of(issue)
    current = compiled_stories.filter(retracted_at=None).select_related("block")
    stories = {story.position: choosable.intersection(story.topics) for story in current}
    topics = frozenset[str]().union(*stories.values())
    block_segments = _block_segments(visible)
    at = clock.now() if issue.stands_open else issue.goes_at
    audience = Audience(
        cadences_of(issue),
        choosable if issue.is_of_series else topics,
        choosable,
        frozenset(issue.only_topics),
        memberships_of([issue.newsletter.segment_id, issue.segment_id], at),
        memberships_of(frozenset[int]().union(*block_segments.values()), at),
    )
    return Segmentation(
        compiled,
        audience,
        stories,
        blocks={block.key: choosable.intersection(block.only_topics) for block in visible},
        block_keys={story.position: story.block.key for story in current},
        appeal_keys=_appeal_keys(visible),
        complete=len(stories) == compiled_stories.count(),
        experiment=experiment,
        split=split_of(experiment),
        leads=leads_of(issue),
        block_segments=block_segments,
    )


def _block_segments(blocks: Iterable[Block]) -> dict[int, frozenset[int]]:
    """Return the segments that somebody must belong to for a block, by its key."""
    segments = {
        block.key: {block.segment_id, block.appeal.segment_id if block.appeal else None} - {None}
        for block in blocks
    }
    return {key: frozenset(filter(None, ids)) for key, ids in segments.items() if ids}


def _appeal_keys(blocks: Iterable[Block]) -> dict[int, frozenset[int]]:
    keys = dict[int, frozenset[int]]()
    for block in blocks:
        if block.appeal_id:
            keys[block.appeal_id] = keys.get(block.appeal_id, frozenset()) | {block.key}
    return keys


def cadences_of(issue: Issue) -> frozenset[Cadence]:
    """Return the cadences whose subscribers an issue is for.

    A manual issue is for all, and so is a mail of a series. Who chose a cadence that is no longer
    offered receives every issue.
    """
    if issue.kind != Issue.Kind.SCHEDULED:
        return frozenset(Cadence)
    if issue.cadence != Cadence.EVERY:
        return frozenset({Cadence(issue.cadence)})
    return frozenset(Cadence).difference(issue.newsletter.cadences) | {Cadence.EVERY}
