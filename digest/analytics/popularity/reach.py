"""How many of an issue's mails had a story: not all, where there are topics or segments.

It is counted once, soon after the issue was planned: by then the choices of its subscribers are
still those that its mails follow.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef

from digest.analytics.models import StoryReach
from digest.issues.models import Issue, Story
from digest.newsletters.models import Publication
from digest.sending.compiling import compiled_for
from digest.sending.models import CompiledMail
from digest.sending.planning.appeal_reach import Choice, KeysFor, choices_of
from digest.sending.segmentation import segmentation_of


def record_reach(publication: Publication, since: datetime, now: datetime) -> None:
    """Store the reach of the stories of issues planned after `since`, where it is missing."""
    recorded = StoryReach.objects.filter(story__issue=OuterRef("pk"))
    compiled = CompiledMail.objects.filter(issue=OuterRef("pk"), revision=OuterRef("revision"))
    issues = Issue.objects.filter(
        Issue.REGULAR,
        Exists(compiled),
        Exists(Story.objects.filter(issue=OuterRef("pk"))),
        ~Exists(recorded),
        newsletter__publication=publication.pk,
        planned_at__gt=since,
    )
    for issue in issues.select_related("newsletter__publication"):
        _record(issue, now)


def _record(issue: Issue, now: datetime) -> None:
    """Store the reach of all stories; 1.0 for those in no mail now, so that none is missing."""
    segmentation = segmentation_of(issue, compiled_for(issue))
    shares = shares_of(
        segmentation.stories, segmentation.keys_for, choices_of(segmentation, issue, now)
    )
    stories = issue.stories.values_list("pk", "position")
    StoryReach.objects.bulk_create(
        [StoryReach(story_id=pk, share=shares.get(position, 1.0)) for pk, position in stories],
        ignore_conflicts=True,
    )


def shares_of(
    positions: Collection[int], keys_for: KeysFor, choices: Iterable[Choice]
) -> dict[int, float]:
    """Return the share of mails that have the story at each position; 1.0 without mails. Pure."""
    mails, total = Counter[int](), 0
    for topics, muted_topics, segments, number in choices:
        keys = keys_for(topics, None, muted_topics, 0, segments)
        total += number
        for position in positions if keys is None else keys:
            mails[position] += number
    return {position: mails[position] / total if total else 1.0 for position in positions}
