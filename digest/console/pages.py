"""What the console's pages share: the frame around them, and how an action reports its result.

A view parses the request, makes one call below, and ends in one of these: `render_page` for a whole
page, `render_fragment` for a part that htmx swaps in, `done` after an action that succeeded,
`report` before a redirect.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from digest.core.errors import DigestError


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


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame around every page needs: navigation, colours, who is signed in."""
    return dict(admin.site.each_context(request))


def report(request: HttpRequest, action: Callable[[], str]) -> bool:
    """Run an action and show its message, or its `DigestError`, as a toast on the next page.

    Return whether it succeeded. Other exceptions are bugs, and are raised.
    """
    try:
        message = action()
    except DigestError as problem:
        messages.error(request, str(problem))
        return False
    if message:
        messages.success(request, message)
    return True


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
