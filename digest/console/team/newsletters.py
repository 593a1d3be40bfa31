"""The newsletters of a publication that a member, an invitation or an API token is limited to."""

from collections.abc import Collection

from django.http import HttpRequest

from digest.console.access import parse_id
from digest.core.errors import DigestError
from digest.newsletters.models import Member, Newsletter, Publication, Role
from digest.tenancy.scope import PublicationScope


def newsletter_choices(scope: PublicationScope) -> list[tuple[int, str]]:
    """Return the newsletters that a form offers; with their publication where there are several."""
    rows = list(scope.newsletters().order_by("publication__name", "name", "pk"))
    has_several = len({row.publication_id for row in rows}) > 1
    return [
        (row.pk, f"{row.publication.name}: {row.name}" if has_several else row.name) for row in rows
    ]


def newsletter_ids_of(request: HttpRequest, publication: Publication | None) -> list[int]:
    """Return the newsletters that were ticked; raise DigestError for one of elsewhere."""
    ids = {pk for text in request.POST.getlist("newsletter") if (pk := parse_id(text))}
    own = publication.newsletters.filter(pk__in=ids) if publication else Newsletter.objects.none()
    if own.count() < len(ids):
        raise DigestError("Tick newsletters of the publication alone, or none for all of them.")
    return sorted(ids)


def require_choice(request: HttpRequest, member: Member) -> None:
    """Raise DigestError for a form that would lift a member's limit without saying so.

    Nothing is ticked, for example, where the newsletters of the limit were deleted.
    """
    is_all = "all_newsletters" in request.POST or request.POST.get("role") == Role.OWNER
    if member.newsletter_ids and not is_all and not request.POST.getlist("newsletter"):
        raise DigestError(
            f"{member.user} is limited to some newsletters. Tick at least one of them, or "
            "“All newsletters of the publication”. Nothing was changed."
        )
    if is_all and request.POST.getlist("newsletter"):
        raise DigestError("Tick either some newsletters or all of them. Nothing was changed.")


def reached_names(newsletter_ids: Collection[int]) -> str:
    """Return the names of newsletters; empty for no limit."""
    if not newsletter_ids:
        return ""
    rows = Newsletter.objects.filter(pk__in=newsletter_ids).order_by("name", "pk")
    return ", ".join(rows.values_list("name", flat=True)) or "newsletters that were deleted"
