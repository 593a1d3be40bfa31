"""Who may open the console's pages, and what they reach there.

A page names the right that it takes. It is refused (403) to whoever has it nowhere, and shows only
what belongs to the publications where they have it; all else is not there (404).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from digest.accounts import audit
from digest.accounts.models import User
from digest.core import client_ip, clock
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.members import Right
from digest.subscribers.models import Subscriber
from digest.tenancy import belonging

View = Callable[..., HttpResponseBase]
LONGEST_ID = 19  # digits: every shorter number fits into PostgreSQL's bigint


def needs(right: Right, *, everywhere: bool = False) -> Callable[[View], View]:
    """Let in whoever has a right somewhere, or in every publication; others are asked to sign in.

    The view itself asks `reach`, `find` or `must` about what it is going to show or change.
    """

    def guarded(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
            there = reach(request, right)
            if there == frozenset() or (everywhere and there is not None):
                raise PermissionDenied
            return view(request, *args, **named)

        checked: Any = staff_member_required(inner, login_url="account_login")
        checked.right = right
        return checked  # type: ignore[no-any-return]

    return guarded


editors = needs(Right.SEE)


def who(request: HttpRequest) -> User:
    """Return who is signed in."""
    assert isinstance(request.user, User)
    return request.user


def reach(request: HttpRequest, right: Right) -> frozenset[int] | None:
    """Return the ids of the publications where they have a right; None: all."""
    return members.reach(who(request), right)


def may(request: HttpRequest, right: Right, publication: int | None) -> bool:
    """Say whether they have a right in a publication; None: in all of them."""
    return members.may(who(request), right, publication)


def must(request: HttpRequest, right: Right, publication: int | None) -> None:
    """Refuse whoever has not this right there."""
    if not may(request, right, publication):
        raise PermissionDenied


def as_id(typed: str) -> int | None:
    """Return the id that a form or an address named, or None for what can be none."""
    return int(typed) if typed.isdecimal() and len(typed) < LONGEST_ID else None


def find(request: HttpRequest, pk: int, right: Right = Right.SEE) -> Issue:
    """Return an issue that they may see; raise Http404, or PermissionDenied without the right."""
    rows = belonging.issues(reach(request, Right.SEE))
    joined = rows.select_related(
        "newsletter__publication", "newsletter__schedule", "appeal", "approved_by", "changed_by"
    )
    found: Issue = get_object_or_404(joined, pk=pk)
    must(request, right, found.newsletter.publication_id)
    return found


def find_subscriber(request: HttpRequest, pk: int, right: Right = Right.SUBSCRIBERS) -> Subscriber:
    """Return a subscriber of a publication where they have a right, or raise Http404."""
    rows = belonging.subscribers(reach(request, right))
    if (found := rows.filter(pk=pk).first()) is None:
        raise Http404
    return found


def note(
    request: HttpRequest, action: str, target: Any = "", publication_id: int | None = None
) -> None:
    """Record in the audit log what the user did on this page."""
    audit.record(
        who(request),
        action,
        clock.now(),
        target=target,
        url=_place(request),
        publication_id=publication_id,
        ip=client_ip.address(request),
    )


def _place(request: HttpRequest) -> str:
    """Return the page that they did it on."""
    referrer = request.headers.get("Referer", "")
    here = request.build_absolute_uri("/")
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else request.path
