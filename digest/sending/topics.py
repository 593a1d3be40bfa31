"""A topic gets another title: subscribers chose topics by it, and stories are sorted by it."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Cast

from digest.issues.models import Block, Issue, Story
from digest.newsletters import layout
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import LayoutBlock
from digest.subscribers.models import Subscription

State = Issue.State
_UPCOMING = (State.DRAFT, State.BUILT, State.SENDING, State.PAUSED)
_TITLE = CharField(max_length=layout.LONGEST_TITLE)


@transaction.atomic
def change_layout_block(block: LayoutBlock, **details: Any) -> None:
    """Change a block as `layout.change` does, and rename its topic where it was chosen.

    Subscribers and upcoming issues have the topic under its new title then. Issues that are out
    stay as they are.
    """
    old_title = LayoutBlock.objects.get(pk=block.pk).title
    layout.change(block, **details)
    if block.kind != BlockKind.TOPIC or block.title == old_title:
        return
    newsletter = block.newsletter_id
    renamed_topics = _replace("topics", old_title, block.title)
    only_topics = _replace("only_topics", old_title, block.title)
    subscriptions = Subscription.objects.filter(newsletter=newsletter, topics__contains=[old_title])
    subscriptions.update(topics=renamed_topics)
    muting = Subscription.objects.filter(newsletter=newsletter, muted_topics__contains=[old_title])
    muting.update(muted_topics=_replace("muted_topics", old_title, block.title))
    upcoming = Issue.objects.filter(newsletter=newsletter, state__in=_UPCOMING)
    stories = Story.objects.filter(issue__in=upcoming, topics__contains=[old_title])
    stories.update(topics=renamed_topics)
    limited = upcoming.filter(only_topics__contains=[old_title])
    limited.update(only_topics=only_topics)
    Block.objects.filter(issue__in=upcoming, only_topics__contains=[old_title]).update(
        only_topics=only_topics
    )
    shown_to = LayoutBlock.objects.filter(newsletter=newsletter, only_topics__contains=[old_title])
    shown_to.update(only_topics=only_topics)
    headings = Block.objects.filter(issue__in=upcoming, layout_block=block, title=old_title)
    headings.update(title=block.title)


def _replace(field: str, old_title: str, title: str) -> Func:
    titles = (Cast(Value(text), _TITLE) for text in (old_title, title))
    return Func(F(field), *titles, function="array_replace", output_field=ArrayField(_TITLE))
