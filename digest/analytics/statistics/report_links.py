"""Links under which a sponsor sees its report without an account: created, opened, revoked."""

from datetime import datetime

from digest.accounts.models import User
from digest.analytics.models import ReportLink
from digest.core import links
from digest.core.errors import LinkGoneError
from digest.newsletters.models import Appeal

REVOKED = "This link has been revoked. Ask whoever sent it to you for a new one."


def create(appeal: Appeal, user: User, now: datetime) -> ReportLink:
    """Create a link; it works until it is revoked."""
    return ReportLink.objects.create(appeal=appeal, created_by=user, created_at=now)


def revoke(link: ReportLink, now: datetime) -> bool:
    """Revoke a link; False if it had been."""
    rows = ReportLink.objects.filter(pk=link.pk, revoked_at=None)
    return bool(rows.update(revoked_at=now))


def url_of(link: ReportLink) -> str:
    """Return the public address of a link."""
    return links.Page.REPORT.url(token=links.sign_rows("report", link))


def open_link(token: str) -> ReportLink:
    """Return the link of a token, with its appeal and publication.

    Raises LinkError for a token that is not one of ours, LinkGoneError for a link that was revoked
    or whose appeal is gone.
    """
    signed = links.read_rows("report", token, count=1)
    rows = ReportLink.objects.select_related("appeal__publication")
    link = rows.filter(pk=signed.ids[0]).first()
    if link is None:
        raise LinkGoneError(links.OUTDATED)
    signed.require(link)
    if link.revoked_at:
        raise LinkGoneError(REVOKED)
    return link
