"""Who may open the console's pages, and which publications they reach there.

Each page names the right that it needs. Somebody who has the right nowhere is refused (403). What
belongs to a publication where they do not have it is not found (404).
"""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from digest.accounts import audit
from digest.accounts.models import User
from digest.core import client_ip, clock, redaction
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.subscribers.models import Subscriber
from digest.tenancy.scope import PublicationScope
from digest.tenancy.visibility import subscribers_with_details

MAX_ID_DIGITS = 18  # every number this short fits into PostgreSQL's bigint


def user_of(request: HttpRequest) -> User:
    """Return the user who is signed in."""
    assert isinstance(request.user, User)
    return request.user


def scope_of(request: HttpRequest, right: Right) -> PublicationScope:
    """Return the publications where the user has a right."""
    return PublicationScope.of_user(user_of(request), right)


def has_right(
    request: HttpRequest,
    right: Right,
    publication_id: int | None,
    newsletter_id: int | None = None,
) -> bool:
    """Say whether the user has a right in a publication, or in every publication for None.

    With a newsletter of the publication it is enough to have the right there.
    """
    return members.has_right(user_of(request), right, publication_id, newsletter_id)


def require_right(
    request: HttpRequest,
    right: Right,
    publication_id: int | None,
    newsletter_id: int | None = None,
) -> None:
    """Raise PermissionDenied if the user does not have a right (`has_right`)."""
    if not has_right(request, right, publication_id, newsletter_id):
        raise PermissionDenied


def parse_id(text: str) -> int | None:
    """Return the id in a form field or an address, or None if it is not an id."""
    return int(text) if text.isdecimal() and len(text) <= MAX_ID_DIGITS else None


def get_issue(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Issue:
    """Return an issue that the user may see.

    Raises Http404 if there is none, PermissionDenied without the right in its publication.
    """
    issues = scope_of(request, Right.SEE).issues()
    joined = issues.select_related(
        "newsletter__publication", "newsletter__schedule", "approved_by", "changed_by"
    )
    issue: Issue = get_object_or_404(joined, pk=pk)
    require_right(request, right, issue.newsletter.publication_id, issue.newsletter_id)
    return issue


def get_subscriber(request: HttpRequest, pk: int, right: Right = Right.SUBSCRIBERS) -> Subscriber:
    """Return a subscriber of a publication where the user has a right, or raise Http404.

    With what `tenancy.visibility.details_of` has to know for the scope of this right.
    """
    return get_object_or_404(subscribers_with_details(scope_of(request, right)), pk=pk)


def record_action(
    request: HttpRequest, action: str, target: Any = "", publication_id: int | None = None
) -> None:
    """Record in the audit log what the user did on this page."""
    audit.record(
        user_of(request),
        action,
        clock.now(),
        target=target,
        url=_page_path(request),
        publication_id=publication_id,
        ip=client_ip.address(request),
    )


def record_for_publications(
    request: HttpRequest, action: str, target: Any, publication_ids: Iterable[int | None]
) -> None:
    """Record what the user did in the audit log of each publication that it concerns."""
    for publication_id in publication_ids:
        record_action(request, action, target, publication_id)


def publications_of(subscriber: Subscriber, scope: PublicationScope) -> list[int | None]:
    """Return the publications in scope that a subscriber is or was of; [None] if there is none."""
    rows = scope.filter(subscriber.subscriptions.all(), "newsletter__publication")
    ids = rows.order_by().values_list("newsletter__publication", flat=True).distinct()
    return [*sorted(ids)] or [None]


def _page_path(request: HttpRequest) -> str:
    """Return the path of the page that the user was on."""
    referrer = request.headers.get("Referer", "")
    root = request.build_absolute_uri("/")
    path = "/" + referrer.removeprefix(root) if referrer.startswith(root) else request.path
    return redaction.redact(path)  # an invitation's token, the setup code
