"""What the console's views share: who may open them, the frame around pages, results of actions.

A view parses the request, makes one call below, and ends in one of these: `render_page` for a whole
page, `render_fragment` for a part that htmx swaps in, `attachment` for a file, `done` after an
action that succeeded. `problems_on` shows why one did not.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digest.console.access import scope_of
from digest.core.errors import DigestError
from digest.newsletters.members import Right

View = Callable[..., HttpResponseBase]


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


def render_page(
    request: HttpRequest,
    template: str,
    title: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """Return a page that extends `console/page.html`: navigation, title, toasts and `context`."""
    values = {**frame(request), "title": title, **(context or {})}
    return render(request, template, values, status=status)


def render_fragment(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Return a part of a page, for htmx to swap in."""
    return render(request, template, dict(context or {}))


CSV = "text/csv; charset=utf-8"


def attachment(
    content: str | bytes | Iterator[str], content_type: str, name: str
) -> HttpResponseBase:
    """Return a file to save as `name`; an iterator is read while it is sent."""
    kind = HttpResponse if isinstance(content, str | bytes) else StreamingHttpResponse
    disposition = f'attachment; filename="{name}"'
    return kind(content, content_type=content_type, headers={"Content-Disposition": disposition})


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame around every page needs: navigation, colours, who is signed in."""
    return dict(admin.site.each_context(request))


class _Display:
    """Passes the `DigestError` of its `with` block on to be shown; the code behind it goes on."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> bool:
        if not isinstance(problem, DigestError):
            return False
        self._show(str(problem))
        return True


def problems_on(
    place: BaseForm | HttpRequest, field: str | None = None, *, title: str = ""
) -> _Display:
    """Show the `DigestError` of a `with` block at a form, or as a toast on the next page.

    At a form it stands beside a field, or above all of them; a toast begins with `title`.
    Other exceptions are bugs, and are raised.
    """
    if isinstance(place, HttpRequest):
        start = f"{title}: " if title else ""
        return _Display(lambda problem: messages.error(place, f"{start}{problem}"))
    return _Display(lambda problem: place.add_error(field, problem))


def report(request: HttpRequest, action: Callable[[], str]) -> None:
    """Run an action and show its message, or its `DigestError`, as a toast on the next page."""
    with problems_on(request):
        if message := action():
            messages.success(request, message)


def done(request: HttpRequest, toast: str, to: str, *args: Any) -> HttpResponse:
    """End an action that succeeded: redirect to the page `to`, which shows the toast."""
    messages.success(request, toast)
    return redirect(to, *args)


def account_frame(request: HttpRequest) -> dict[str, Any]:
    """Give allauth's pages the frame of the console's own (a context processor)."""
    match = request.resolver_match
    name = match.url_name if match else None
    return frame(request) if name and name.startswith(_ACCOUNT_PAGES) else {}


_ACCOUNT_PAGES = ("account_", "mfa_", "invitation")
