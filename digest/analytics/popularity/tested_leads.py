"""In which share of an issue's mails a link stood, where lead stories are tested.

A tested story and the first one change places by variant (`rendering.blocks.variants`): each has a
link in two blocks, and no mail has both of them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from digest.issues.experiments.models import Experiment
from digest.issues.models import TrackedLink
from digest.newsletters.models import Publication


class StoryLink(NamedTuple):
    """A link to a story, in a block where it may stand."""

    id: int
    story_id: int
    block_id: int | None
    own_block_id: int | None  # of the story in the issue as it is


def shown_shares(publication: Publication, since: datetime) -> dict[int, float]:
    """Return the share of the mails that had a link, by its id; those that are missing: all mails.

    Of issues that were planned after `since`.
    """
    experiments = Experiment.objects.filter(
        kind=Experiment.Kind.LEADS,
        decides_at__isnull=False,
        issue__newsletter__publication=publication,
        issue__planned_at__gt=since,
    )
    shares: dict[int, float] = {}
    for experiment in experiments:
        shares |= shares_of_links(
            _links(experiment.issue_id), experiment.leads, variant_shares(experiment)
        )
    return shares


def variant_shares(experiment: Experiment) -> list[float]:
    """Return the share of the mails until now that each variant had. Pure."""
    even, tested = 1 / experiment.variants, experiment.share / 100
    if experiment.decided_at is None:
        return [even] * experiment.variants
    winner = experiment.winner or 0
    return [
        tested * even + (1 - tested if number == winner else 0)
        for number in range(experiment.variants)
    ]


def shares_of_links(
    links: Iterable[StoryLink], leads: Sequence[int], variants: Sequence[float]
) -> dict[int, float]:
    """Return the share of each link whose story stands elsewhere in some variants. Pure.

    `leads` are the ids of the stories that variants 1 and so on put first, `variants` the shares of
    all.
    """
    rows = [row for row in links if row.own_block_id is not None]
    own_blocks = {row.story_id: row.own_block_id for row in rows}
    by_story = dict(zip(leads, variants[1:], strict=True))
    shares: dict[int, float] = {}
    swapped: dict[int, float] = {}  # by story: the share of mails in which it is not in its block
    for row in rows:
        if row.block_id != row.own_block_id:
            share = by_story.get(row.story_id)
            if share is None:  # the first story, in the place of those that are tested
                share = sum(by_story[pk] for pk in leads if own_blocks.get(pk) == row.block_id)
            shares[row.id] = share
            swapped[row.story_id] = swapped.get(row.story_id, 0.0) + share
    for row in rows:
        if row.block_id == row.own_block_id and row.story_id in swapped:
            shares[row.id] = max(1.0 - swapped[row.story_id], 0.0)
    return shares


def _links(issue_id: int) -> list[StoryLink]:
    links = TrackedLink.objects.in_mails().filter(issue=issue_id, kind=TrackedLink.Kind.LINK)
    rows = links.filter(story__isnull=False).values_list(
        "pk", "story_id", "block_id", "story__block_id"
    )
    return [StoryLink(*row) for row in rows]
