"""What a block of a layout and a block of an issue have in common: the kinds, and the fields."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import TextChoices

from digest.newsletters.audiences.models import Segment


class BlockKind(TextChoices):
    """What a block of an issue shows."""

    NOTE = "note", "Editor's note"
    LEAD = "lead", "Lead story"
    LATEST = "latest", "Latest stories"
    TOPIC = "topic", "Stories by topic"
    POPULAR = "popular", "Popular articles"
    DEEP = "deep", "Deeply read"
    PICKED = "picked", "Picked stories"
    APPEAL = "appeal"
    SPONSOR = "sponsor"
    TEXT = "text"
    IMAGE = "image"
    LINK = "link", "Link card"
    DIVIDER = "divider"
    FEEDBACK = "feedback", "Feedback question"
    MEDIA = "media", "Podcast or video"


# Filled by a rule of the layout.
RULED_KINDS = frozenset([BlockKind.LATEST, BlockKind.TOPIC, BlockKind.POPULAR, BlockKind.DEEP])
STORY_KINDS = RULED_KINDS | {BlockKind.LEAD, BlockKind.PICKED}
MESSAGE_KINDS = frozenset([BlockKind.APPEAL, BlockKind.SPONSOR])


class BlockFields(models.Model):
    """What a block of a layout and a block of an issue have in common."""

    class Style(TextChoices):
        """How the stories of a block are laid out."""

        STANDARD = "", "As in the design"
        BRIEF = "brief", "Brief list without pictures"

    class ShownIn(TextChoices):
        """Where a block is shown."""

        BOTH = "both", "Email and web"
        MAIL = "mail", "Email only"
        WEB = "web", "Web only"

    kind = models.CharField(max_length=16, choices=BlockKind)
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200, blank=True)
    content = models.JSONField(default=dict, blank=True)  # by kind: digest.newsletters.blocks
    style = models.CharField(max_length=16, choices=Style, default=Style.STANDARD, blank=True)
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
