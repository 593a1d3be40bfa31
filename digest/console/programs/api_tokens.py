"""API tokens: list, create and revoke. A token's secret is shown once, when it is created."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache

from digest.accounts import tokens
from digest.accounts.models import Token
from digest.accounts.scopes import Scope
from digest.console.access import parse_id, record_action, require_right, scope_of, user_of
from digest.console.pages import action_view, done, page_view, problems_on, render_page
from digest.console.team.newsletters import newsletter_choices, newsletter_ids_of, reached_names
from digest.core import clock
from digest.core.errors import DigestError
from digest.newsletters.members import Right
from digest.newsletters.models import Publication


@page_view(Right.MANAGE)
def api_tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens and when each was last used; a link may propose a name and scopes."""
    return _page(request)


@never_cache
@action_view(Right.MANAGE)
def create(request: HttpRequest) -> HttpResponse:
    """Create a token and show its secret once."""
    data, now = request.POST, clock.now()
    with problems_on(request):
        publication = _publication(request)
        require_right(request, Right.MANAGE, publication.pk if publication else None)
        token, secret = tokens.create(
            data.get("name", ""),
            user_of(request),
            data.getlist("scope"),
            now=now,
            publication_id=publication.pk if publication else None,
            newsletter_ids=newsletter_ids_of(request, publication),
            expires_at=_expiry(data.get("days", ""), now),
        )
        record_action(
            request,
            f"created a token for {', '.join(token.scopes)}",
            token.name,
            token.publication_id,
        )
        return _page(request, token=token, secret=secret)
    return _page(request)


@action_view(Right.MANAGE)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token."""
    token = get_object_or_404(_tokens(request).filter(revoked_at=None), pk=pk)
    tokens.revoke(token, clock.now())
    record_action(request, "revoked a token", token.name, token.publication_id)
    return done(request, f"{token.name} was revoked.", "api-tokens")


def _tokens(request: HttpRequest) -> QuerySet[Token]:
    scope = scope_of(request, Right.MANAGE)
    return scope.filter(Token.objects.select_related("owner"), "publication_id")


def _publication(request: HttpRequest) -> Publication | None:
    slug = request.POST.get("publication", "")
    publication = Publication.objects.filter(slug=slug).first() if slug else None
    if slug and publication is None:
        raise DigestError("This publication no longer exists. Reload the page.")
    return publication


def _expiry(days: str, now: datetime) -> datetime | None:
    if not days.strip():
        return None
    if not (days.isascii() and days.isdecimal() and len(days) < 5 and 0 < int(days) <= 3_650):
        raise DigestError(
            "A token expires after 1 to 3,650 days. Leave the field empty for no expiry."
        )
    return now + timedelta(days=int(days))


def _page(request: HttpRequest, **context: Any) -> HttpResponse:
    scope = scope_of(request, Right.MANAGE)
    names = dict(scope.publications().values_list("pk", "name"))
    # Of a form that was refused, or of a link that proposes a token; once it is created, nothing.
    entered = QueryDict() if "token" in context else request.POST or request.GET
    values = {
        "tokens": [_row(token, names) for token in _tokens(request).order_by("revoked_at", "-pk")],
        "scopes": list(Scope),
        "entered": entered.dict(),
        "entered_scopes": entered.getlist("scope"),
        "ticked": list(map(parse_id, entered.getlist("newsletter"))),
        "days": entered.get("days", "365"),
        "publications": scope.publications().order_by("name"),
        "everywhere": scope.is_everything,
        "newsletters": newsletter_choices(scope),
        **context,
    }
    return render_page(request, "console/api_tokens.html", "API tokens", values)


def _row(token: Token, names: dict[int, str]) -> dict[str, Any]:
    now, used = clock.now(), token.last_used_at
    expired = token.expires_at is not None and token.expires_at <= now
    state = "revoked" if token.revoked_at else "expired" if expired else "active"
    return {
        "token": token,
        "publication": names.get(token.publication_id or 0, "all publications"),
        "newsletters": reached_names(token.newsletter_ids),
        "used": f"last used {clock.format_moment(used)}" if used else "never used",
        "until": f"expires {clock.format_moment(token.expires_at)}"
        if token.expires_at
        else "no expiry",
        "state": state,
    }
