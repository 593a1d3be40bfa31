"""The site map for search engines: catalogues, archives of public newsletters, and their issues."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.urls import reverse

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.archive_access import OPEN_TO_ALL, ArchiveAccess
from digest.sending.public_archive import all_public_issues
from digest.transfers.models import PastIssue


class _Public(Sitemap):  # type: ignore[type-arg]  # Django has no arguments for it
    """Addresses below DIGEST_BASE_URL, whatever host a request came to."""

    limit = 10_000  # addresses of a kind; the protocol allows 50,000 in all

    def get_protocol(self, protocol: str | None = None) -> str:  # noqa: ARG002  Django's
        """Return the scheme of the public address."""
        return urlsplit(settings.DIGEST_BASE_URL).scheme

    def get_domain(self, site: Any = None) -> str:  # noqa: ARG002  Django's
        """Return the host and port of the public address."""
        return urlsplit(settings.DIGEST_BASE_URL).netloc


class NewsletterSitemap(_Public):
    """The archive of each public newsletter."""

    def items(self) -> QuerySet[Newsletter]:
        """Return the newsletters, in a stable order."""
        return Newsletter.objects.public().order_by("pk")

    def location(self, item: Newsletter) -> str:
        """Return the path of its archive."""
        return reverse("archive", args=[item.slug])


class CatalogueSitemap(_Public):
    """The catalogue of each publication with public newsletters."""

    def items(self) -> QuerySet[Publication]:
        """Return the publications, in a stable order."""
        public = Newsletter.objects.public()
        return Publication.objects.filter(newsletters__in=public).distinct().order_by("pk")

    def location(self, item: Publication) -> str:
        """Return the path of its catalogue."""
        return reverse("catalogue", args=[item.slug])


class IssueSitemap(_Public):
    """Every public issue that everyone may read."""

    def items(self) -> QuerySet[Issue]:
        """Return the issues, the latest first: a map holds so many."""
        return (
            all_public_issues()
            .filter(OPEN_TO_ALL)
            .select_related("newsletter")
            .order_by("-planned_at", "-pk")
        )

    def location(self, item: Issue) -> str:
        """Return the path of its page."""
        return reverse("issue", args=[item.newsletter.slug, item.key])

    def lastmod(self, item: Issue) -> datetime | None:
        """Return when it went out."""
        return item.planned_at


class PastIssueSitemap(_Public):
    """Every issue that a newsletter sent with another service."""

    def items(self) -> QuerySet[PastIssue]:
        """Return them, the latest first: a map holds so many."""
        newsletters = Newsletter.objects.public().filter(archive_access=ArchiveAccess.PUBLIC)
        public = PastIssue.objects.filter(newsletter__in=newsletters)
        return public.select_related("newsletter").defer("html").order_by("-slot", "-pk")

    def location(self, item: PastIssue) -> str:
        """Return the path of its page."""
        return reverse("issue", args=[item.newsletter.slug, item.key])

    def lastmod(self, item: PastIssue) -> datetime:
        """Return when it was sent."""
        return item.slot


SITEMAPS: "dict[str, type[Sitemap[Any]] | Sitemap[Any]]" = {
    "catalogues": CatalogueSitemap,
    "newsletters": NewsletterSitemap,
    "issues": IssueSitemap,
    "past_issues": PastIssueSitemap,
}
