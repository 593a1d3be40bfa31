"""The token of a request itself, so that a program can say what it may do."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from digest import __version__
from digest.api.authentication import caller_of
from digest.api.routing import Operations

router = Operations(tags=["token"])


class TokenOut(BaseModel):
    """A token, without its secret."""

    name: str
    scopes: list[str]
    publication: str | None = Field(description="The only one that it reaches; null: all.")
    expires_at: datetime | None
    version: str = Field(description="Of this installation of Digest.")


@router.read("/token", returns=TokenOut)
def show_token(request: HttpRequest) -> Any:
    """Show the token that makes this request: its scopes, and what it reaches."""
    caller = caller_of(request)
    publication = None
    if caller.publication_id is not None:
        slugs = caller.scope.publications().values_list("slug", flat=True)
        publication = slugs.first()
    return {
        "name": caller.token.name,
        "scopes": caller.token.scopes,
        "publication": publication,
        "expires_at": caller.token.expires_at,
        "version": __version__,
    }
