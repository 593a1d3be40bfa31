"""The fields that a block of a layout and a block of an issue have in common."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from digest.newsletters.audiences.models import Segment
from digest.newsletters.choices import STORY_KINDS, BlockKind, BlockStyle, ShownIn


class BlockFields(models.Model):
    """What a block of a layout and a block of an issue have in common."""

    kind = models.CharField(max_length=16, choices=BlockKind)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200, blank=True)
    content = models.JSONField(default=dict, blank=True)  # by kind: digest.newsletters.blocks
    style = models.CharField(
        max_length=16, choices=BlockStyle, default=BlockStyle.STANDARD, blank=True
    )
    shown_in = models.CharField(max_length=8, choices=ShownIn, default=ShownIn.BOTH)
    only_topics = ArrayField(  # for subscribers who chose one of these; none: for everyone
        models.CharField(max_length=200), default=list, blank=True
    )
    segment = models.ForeignKey(  # only for these subscribers; none: for everyone
        Segment, on_delete=models.RESTRICT, null=True, blank=True, related_name="%(class)ss"
    )

    class Meta:
        abstract = True

    @property
    def has_stories(self) -> bool:
        """Whether it is filled with stories."""
        return self.kind in STORY_KINDS
