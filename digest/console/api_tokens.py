"""What programs may call the API with: tokens, made here and shown once."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from digest.accounts import tokens
from digest.accounts.models import Token
from digest.accounts.scopes import Scope
from digest.console.access import record_action, require_right, right_required, scope_of, user_of
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Publication


@require_safe
@right_required(Right.MANAGE)
def programs(request: HttpRequest) -> HttpResponse:
    """List the tokens, and when each was last used."""
    return _page(request)


@never_cache
@require_POST
@right_required(Right.MANAGE)
def issue(request: HttpRequest) -> HttpResponse:
    """Make a token; its secret is on this page and never again."""
    said, now = request.POST, clock.now()
    try:
        publication = _publication(request)
        require_right(request, Right.MANAGE, publication.pk if publication else None)
        token, secret = tokens.create(
            said.get("name", ""),
            user_of(request),
            said.getlist("scope"),
            now=now,
            publication_id=publication.pk if publication else None,
            expires_at=_end(said.get("days", ""), now),
        )
    except DigestError as problem:
        messages.error(request, str(problem))
        return redirect("api-tokens")
    record_action(
        request, f"made a token for {', '.join(token.scopes)}", token.name, token.publication_id
    )
    return _page(request, token=token, secret=secret)


@require_POST
@right_required(Right.MANAGE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a token be used no more."""
    known = _known(request).filter(revoked_at=None)
    found = get_object_or_404(known, pk=pk)
    tokens.revoke(found, clock.now())
    record_action(request, "revoked a token", found.name, found.publication_id)
    messages.success(request, f"{found.name} is refused from now on.")
    return redirect("api-tokens")


def _known(request: HttpRequest) -> Any:
    scope = scope_of(request, Right.MANAGE)
    return scope.filter(Token.objects.select_related("owner"), "publication_id")


def _publication(request: HttpRequest) -> Publication | None:
    slug = request.POST.get("publication", "")
    found = Publication.objects.filter(slug=slug).first() if slug else None
    if slug and found is None:
        raise DigestError("This publication is gone. Look at the page again.")
    return found


def _end(days: str, now: Any) -> Any:
    if not days.strip():
        return None
    if not (days.isascii() and days.isdecimal() and len(days) < 5 and 0 < int(days) <= 3_650):
        raise DigestError("A token lasts 1 to 3,650 days; leave it empty for no end.")
    return now + timedelta(days=int(days))


def _page(request: HttpRequest, **shown: Any) -> HttpResponse:
    scope = scope_of(request, Right.MANAGE)
    names = dict(scope.publications().values_list("pk", "name"))
    context = {
        **admin.site.each_context(request),
        "title": "Programs",
        "tokens": [_row(one, names) for one in _known(request).order_by("revoked_at", "-pk")],
        "scopes": list(Scope),
        "publications": scope.publications().order_by("name"),
        "everywhere": scope.is_everything,
        **shown,
    }
    return render(request, "console/api_tokens.html", context)


def _row(token: Token, names: dict[int, str]) -> dict[str, Any]:
    now, used = clock.now(), token.last_used_at
    expired = token.expires_at is not None and token.expires_at <= now
    over = "revoked" if token.revoked_at else "expired" if expired else ""
    return {
        "token": token,
        "where": names.get(token.publication_id or 0, "every publication"),
        "used": f"last used {clock.format_moment(used)}" if used else "never used",
        "until": f"until {clock.format_moment(token.expires_at)}" if token.expires_at else "no end",
        "over": over,
    }
