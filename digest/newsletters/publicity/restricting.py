"""Say for whom a newsletter is, and who may read its past issues."""

from django.db import transaction

from digest.newsletters import checks
from digest.newsletters.audiences import usage
from digest.newsletters.audiences.models import Segment
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity.archive_access import ArchiveAccess, hash_password


@transaction.atomic
def set_members(newsletter: Newsletter, segment: Segment | None, membership_url: str = "") -> None:
    """Send a newsletter to the subscribers of a segment only; None: to everyone.

    `membership_url` is where its pages lead whoever wants to become a member. With a new segment an
    archive for everyone becomes one for subscribers: `set_archive` opens it again. Raises
    NewsletterError for a segment of another publication, and for another segment than before while
    an issue is going out.
    """
    checks.require_own_segment(newsletter.publication_id, segment)
    checks.check_urls(membership_url)
    before = Newsletter.objects.select_for_update().get(pk=newsletter.pk).segment_id
    is_other = (segment.pk if segment else None) != before
    if is_other and (issue := usage.issue_of_newsletter(newsletter)):
        raise NewsletterError(
            f"{issue} is going out, so whom the newsletter is for cannot change. Wait until "
            "the issue is sent, or cancel it."
        )
    newsletter.segment, newsletter.membership_url = segment, membership_url
    if is_other and segment and newsletter.archive_access == ArchiveAccess.PUBLIC:
        newsletter.archive_access = ArchiveAccess.SUBSCRIBERS
    newsletter.save(update_fields=["segment", "membership_url", "archive_access"])


@transaction.atomic
def set_archive(newsletter: Newsletter, access: str, password: str = "") -> None:
    """Say who may read the past issues; without a `password` the present one stays.

    Whoever opened the archive with the password before has to enter the new one. Raises
    NewsletterError for an unknown access, and where a password is needed and there is none.
    """
    if access not in ArchiveAccess.values:
        raise NewsletterError(f"{access!r} is not one of {', '.join(ArchiveAccess.values)}.")
    hashed = hash_password(password) if password else newsletter.archive_password
    if access == ArchiveAccess.PASSWORD and not hashed:
        raise NewsletterError("Enter a password for the archive.")
    newsletter.archive_access, newsletter.archive_password = access, hashed
    newsletter.save(update_fields=["archive_access", "archive_password"])
