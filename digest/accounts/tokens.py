"""Tokens under which programs call: made, recognised, revoked.

A token is `dg_` and 32 random bytes. What is stored is its SHA-256: a password needs a slow hash
because people choose it out of few, but nobody tries 2^256 tokens, and every call hashes one. The
hash is looked up as a whole, so how long that takes tells nothing of how near a guess came.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from digest.accounts.models import Token, User
from digest.accounts.scopes import Scope
from digest.core.errors import DigestError

MARK = "dg_"  # so that people, and scanners for leaked secrets, see what it is
SHOWN = 10  # leading characters that are kept in the open
NOTED = timedelta(minutes=1)  # the last use is written at most so often
LONGEST_NAME = 64


class TokenError(DigestError):
    """A token cannot be made or revoked as asked."""


def issue(
    name: str,
    owner: User,
    scopes: Iterable[str],
    *,
    now: datetime,
    publication: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token for a program of `owner`; return it with its secret, which is never shown again.

    With a `publication` (its id) it reaches nothing beyond that. Raises TokenError for a name that
    a living token has, for no scope or an unknown one, and for an end that is past.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise TokenError(f"A token's name has 1 to {LONGEST_NAME} characters, on one line.")
    if expires_at is not None and expires_at <= now:
        raise TokenError("The token would have expired already.")
    secret = MARK + secrets.token_urlsafe(32)
    token = Token(
        name=name,
        owner=owner,
        scopes=_known(scopes),
        publication_id=publication,
        prefix=secret[:SHOWN],
        hashed=hashed(secret),
        created_at=now,
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            token.save(force_insert=True)
    except IntegrityError as cause:
        raise TokenError(f"There is a token {name!r} already; revoke it first.") from cause
    return token, secret


def find(secret: str, now: datetime) -> Token | None:
    """Return the token with this secret if it may be used at `now`, and note that it was.

    Revoked, expired, or of somebody who may not log in any more: there is none.
    """
    token = _usable(now).filter(hashed=hashed(secret)).first()
    if token and (token.last_used_at is None or token.last_used_at <= now - NOTED):
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - NOTED)
        Token.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def revoke(name: str, now: datetime) -> Token:
    """Let a token be used no more, by its name or prefix; raise TokenError if there is none."""
    living = Token.objects.filter(Q(name=name) | Q(prefix=name), revoked_at__isnull=True)
    token = living.order_by("pk").first()
    if token is None:
        raise TokenError(f"There is no token {name!r}. `digest token list` shows them.")
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    return token


def hashed(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _usable(now: datetime) -> QuerySet[Token]:
    in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return Token.objects.filter(in_time, revoked_at__isnull=True, owner__is_active=True)


def _known(scopes: Iterable[str]) -> list[str]:
    """Return the scopes once each, in the table's order."""
    given = set(scopes)
    if unknown := sorted(given - set(Scope)):
        raise TokenError(f"{unknown[0]!r} is no scope. There are: {', '.join(Scope)}.")
    if not given:
        raise TokenError(f"Say what it may do. Scopes: {', '.join(Scope)}.")
    return [scope.value for scope in Scope if scope in given]
