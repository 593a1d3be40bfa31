"""Newsletters for members: only the subscribers of a segment receive their issues.

Anybody may sign up for one: membership is known elsewhere, and may come later. Whoever does not
belong to the segment stays subscribed and receives nothing.
"""

from django.db import models

from digest.core.text import LONGEST_URL


class HasMembers(models.Model):
    """The segment that a newsletter is for, and where somebody becomes a member."""

    segment = models.ForeignKey(  # only for these subscribers; none: for everyone
        "newsletters.Segment",
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="newsletters",
    )
    membership_url = models.URLField(max_length=LONGEST_URL, blank=True)

    class Meta:
        abstract = True

    @property
    def is_for_members(self) -> bool:
        """Whether only members receive it."""
        return self.segment_id is not None
