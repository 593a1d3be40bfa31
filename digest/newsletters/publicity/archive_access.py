"""Who may read the past issues of a public newsletter: everyone, subscribers, or by a password.

An issue may differ from its newsletter. The list of past issues is public in any case, with what
each issue is about; what is protected is its page, and its stories in the feed.
"""

from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.db.models import Q

from digest.newsletters.errors import NewsletterError
from digest.newsletters.publicity.members_only import HasMembers

SHORTEST_PASSWORD = 6
LONGEST_PASSWORD = 200


class ArchiveAccess(models.TextChoices):
    """Who may read an issue in the archive."""

    PUBLIC = "public", "Everyone"
    SUBSCRIBERS = "subscribers", "Subscribers only"
    PASSWORD = "password", "With a password"


class HasArchiveAccess(models.Model):
    """Who may read the issues of a newsletter, unless an issue says otherwise."""

    archive_access = models.CharField(
        max_length=16, choices=ArchiveAccess, default=ArchiveAccess.PUBLIC
    )
    archive_password = models.CharField(max_length=256, blank=True)  # its hash

    class Meta:
        abstract = True

    def is_archive_password(self, text: str) -> bool:
        """Say whether this is the password of the archive; without one nothing is."""
        return bool(self.archive_password) and check_password(
            text[:LONGEST_PASSWORD], self.archive_password
        )


class HasAudience(HasMembers, HasArchiveAccess):
    """For whom a newsletter is: who receives it, and who may read its past issues."""

    class Meta:
        abstract = True


class OwnArchiveAccess(models.Model):
    """Who may read one issue of a newsletter; blank: as the newsletter says."""

    archive_access = models.CharField(
        max_length=16, choices=ArchiveAccess, default="", db_default="", blank=True
    )

    class Meta:
        abstract = True

    @property
    def readable_by(self) -> ArchiveAccess:
        """Who may read it in the archive."""
        issue: Any = self
        return ArchiveAccess(issue.archive_access or issue.newsletter.archive_access)


HAS_PASSWORD = models.CheckConstraint(
    condition=~Q(archive_access="password") | ~Q(archive_password=""),
    name="newsletter_archive_has_password",
)
# Of issues: those that everyone may read.
OPEN_TO_ALL = Q(archive_access=ArchiveAccess.PUBLIC) | Q(
    archive_access="", newsletter__archive_access=ArchiveAccess.PUBLIC
)


def hash_password(text: str) -> str:
    """Return the hash of a new password; raise NewsletterError for one that is too short or long.

    One password is shared by many people, so it is not held to the rules of an account's.
    """
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise NewsletterError(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        )
    return make_password(text)
