"""Who may open the console's pages, and which publications they reach there.

Each page names the right that it needs. Somebody who has the right nowhere is refused (403). What
belongs to a publication where they do not have it is not found (404).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digest.accounts import audit
from digest.accounts.models import User
from digest.core import client_ip, clock
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.subscribers.models import Subscriber
from digest.tenancy.scope import PublicationScope

View = Callable[..., HttpResponseBase]
MAX_ID_DIGITS = 18  # every number this short fits into PostgreSQL's bigint


def page_view(right: Right, *, everywhere: bool = False) -> Callable[[View], View]:
    """Decorate a page: GET and HEAD, for users who have a right (`_right_required`)."""
    return _chain(require_safe, _right_required(right, everywhere=everywhere))


def action_view(right: Right, *, everywhere: bool = False) -> Callable[[View], View]:
    """Decorate the answer to a button: POST, for users who have a right (`_right_required`)."""
    return _chain(require_POST, _right_required(right, everywhere=everywhere))


def form_view(right: Right, *, everywhere: bool = False) -> Callable[[View], View]:
    """Decorate a page with its own form: GET, HEAD and POST, for users who have a right."""
    return _chain(get_or_post, _right_required(right, everywhere=everywhere))


get_or_post = require_http_methods(["GET", "HEAD", "POST"])


def _chain(outer: Callable[[View], View], inner: Callable[[View], View]) -> Callable[[View], View]:
    return lambda view: outer(inner(view))


def _right_required(right: Right, *, everywhere: bool) -> Callable[[View], View]:
    """Let in users who have a right in some publication, or in all (`everywhere`).

    Visitors are sent to the sign-in page; other users are refused (403). The view itself limits
    what it shows or changes with `scope_of`, `get_issue` or `require_right`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            scope = scope_of(request, right)
            if scope.is_empty or (everywhere and not scope.is_everything):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        decorated: Any = staff_member_required(check, login_url="account_login")
        decorated.right = right
        return decorated  # type: ignore[no-any-return]

    return decorate


def user_of(request: HttpRequest) -> User:
    """Return the user who is signed in."""
    assert isinstance(request.user, User)
    return request.user


def scope_of(request: HttpRequest, right: Right) -> PublicationScope:
    """Return the publications where the user has a right."""
    return PublicationScope.of_user(user_of(request), right)


def has_right(request: HttpRequest, right: Right, publication_id: int | None) -> bool:
    """Say whether the user has a right in a publication, or in every publication for None."""
    return members.has_right(user_of(request), right, publication_id)


def require_right(request: HttpRequest, right: Right, publication_id: int | None) -> None:
    """Raise PermissionDenied if the user does not have a right in a publication (None: in all)."""
    if not has_right(request, right, publication_id):
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
        "newsletter__publication", "newsletter__schedule", "appeal", "approved_by", "changed_by"
    )
    issue: Issue = get_object_or_404(joined, pk=pk)
    require_right(request, right, issue.newsletter.publication_id)
    return issue


def get_subscriber(request: HttpRequest, pk: int, right: Right = Right.SUBSCRIBERS) -> Subscriber:
    """Return a subscriber of a publication where the user has a right, or raise Http404."""
    return get_object_or_404(scope_of(request, right).subscribers(), pk=pk)


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


def _page_path(request: HttpRequest) -> str:
    """Return the path of the page that the user was on."""
    referrer = request.headers.get("Referer", "")
    root = request.build_absolute_uri("/")
    return "/" + referrer.removeprefix(root) if referrer.startswith(root) else request.path
