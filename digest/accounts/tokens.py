"""API tokens: created, authenticated, revoked.

A token is `dg_` and 32 random bytes. Its SHA-256 is stored. Passwords need a slow hash because
people choose weak ones; nobody tries 2^256 tokens, and each call hashes one. The hash is looked up
as a whole, so the time of the query does not reveal how close a guess was.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from digest.accounts.models import Token, User
from digest.accounts.scopes import Scope
from digest.core import choices
from digest.core.database.uniqueness import refuse_duplicate
from digest.core.errors import DigestError

MARKER = "dg_"  # so that people and secret scanners recognise a token
PREFIX_LENGTH = 10  # characters of the secret that are stored readable
LAST_USE_PRECISION = timedelta(minutes=1)  # the last use is written at most this often
MAX_NAME_LENGTH = 64


class TokenError(DigestError):
    """A token cannot be created or revoked."""


def create(
    name: str,
    owner: User,
    scopes: Iterable[str],
    *,
    now: datetime,
    publication_id: int | None = None,
    newsletter_ids: Iterable[int] = (),
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Create a token owned by a user; return it with its secret, which is never shown again.

    With a `publication_id` it reaches only that publication, with `newsletter_ids` only these
    newsletters of it, as the caller has checked. Raises TokenError for the name of an
    active token, for an empty or unknown scope, and if `expires_at` is in the past.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise TokenError(f"A token's name has 1 to {MAX_NAME_LENGTH} characters, on one line.")
    if expires_at is not None and expires_at <= now:
        raise TokenError("The token would have expired already.")
    secret = MARKER + secrets.token_urlsafe(32)
    token = Token(
        name=name,
        owner=owner,
        scopes=choices.pick(scopes, Scope, "a scope", TokenError),
        publication_id=publication_id,
        newsletter_ids=sorted(set(newsletter_ids)),
        prefix=secret[:PREFIX_LENGTH],
        hashed=hash_secret(secret),
        created_at=now,
        expires_at=expires_at,
    )
    with refuse_duplicate(TokenError(f"There is a token {name!r} already; revoke it first.")):
        token.save(force_insert=True)
    return token, secret


def authenticate(secret: str, now: datetime) -> Token | None:
    """Return the token with this secret and record its use; None if it may not be used at `now`.

    A token may not be used if it is revoked or expired, or if its owner's account is deactivated.
    """
    token = _usable(now).filter(hashed=hash_secret(secret)).first()
    before = now - LAST_USE_PRECISION
    if token and (token.last_used_at is None or token.last_used_at <= before):
        stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
        Token.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    return token


def get_active(name: str) -> Token:
    """Return the token with this name or prefix that is not revoked; raise TokenError if none."""
    active = Token.objects.filter(Q(name=name) | Q(prefix=name), revoked_at__isnull=True)
    if token := active.order_by("pk").first():
        return token
    raise TokenError(f"There is no token {name!r}. `digest token list` shows all tokens.")


def revoke(token: Token, now: datetime) -> None:
    """Revoke a token: every call with it is refused from now on."""
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])


def hash_secret(secret: str) -> str:
    """Return the hash of a secret, as it is stored."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _usable(now: datetime) -> QuerySet[Token]:
    not_expired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return Token.objects.filter(not_expired, revoked_at__isnull=True, owner__is_active=True)
