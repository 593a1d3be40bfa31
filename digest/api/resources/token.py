"""The token of a request itself, so that a program can say what it may do."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from digest import __version__
from digest.accounts.models import Token
from digest.api.authentication import caller_of
from digest.api.routing import Operations
from digest.newsletters.models import Newsletter, Publication

router = Operations(tags=["token"])


class TokenOut(BaseModel):
    """A token, without its secret."""

    name: str
    scopes: list[str]
    publication: str | None = Field(
        description="The only one of which it reaches anything; null: all."
    )
    newsletters: list[str] | None = Field(
        description="The only ones of the publication that it reaches; null: all of it."
    )
    expires_at: datetime | None
    version: str = Field(description="Of this installation of Digest.")


@router.read("/token", returns=TokenOut)
def show_token(request: HttpRequest) -> Any:
    """Show the token that makes this request: its scopes, and what it reaches."""
    token = caller_of(request).token
    return {
        "name": token.name,
        "scopes": token.scopes,
        "publication": _publication(token),
        "newsletters": _newsletters(token),
        "expires_at": token.expires_at,
        "version": __version__,
    }


def _publication(token: Token) -> str | None:
    if token.publication_id is None:
        return None
    rows = Publication.objects.filter(pk=token.publication_id)
    return rows.values_list("slug", flat=True).first()


def _newsletters(token: Token) -> list[str] | None:
    """Return the newsletters that a token is limited to, as far as they exist; None: it is not."""
    if not token.newsletter_ids:
        return None
    rows = Newsletter.objects.filter(pk__in=token.newsletter_ids)
    return sorted(rows.values_list("slug", flat=True))
