"""A program that calls the API, with whatever token a test gives it."""

import json
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
import redis
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client

from digest.accounts import tokens
from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.core import clock
from digest.newsletters.models import Publication


class Caller:
    """Calls with one token; answers are checked to be what they say they are."""

    def __init__(self, secret: str = "") -> None:
        self.secret = secret
        self.client = Client(raise_request_exception=False)

    def __call__(
        self, method: str, path: str, body: Any = None, *, key: str = "", **query: Any
    ) -> HttpResponse:
        """Call, and return the answer."""
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        headers |= {"Idempotency-Key": key} if key else {}
        answer = self.client.generic(
            method,
            f"/api/v1{path}",
            b"" if body is None else json.dumps(body).encode(),
            "application/json",
            headers=headers,
            query_params=query,
        )
        problem = answer.status_code >= 400
        if answer.content:
            kind = "application/problem+json" if problem else "application/json"
            assert answer["Content-Type"].split(";")[0] == kind
        return cast("HttpResponse", answer)

    def json(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Call, and return what a good answer holds."""
        answer = self(method, path, body, **options)
        assert answer.status_code < 300, answer.content
        return json.loads(answer.content) if answer.content else None


MakeCaller = Callable[..., Caller]


@pytest.fixture
def make_caller() -> MakeCaller:
    """Make a program with these scopes (all of them), for a publication or for all."""

    def create(
        *scopes: Scope,
        publication: Publication | None = None,
        newsletter_ids: Iterable[int] = (),
        name: str = "cms",
    ) -> Caller:
        owner, _ = User.objects.get_or_create(email="ada@courier.example")
        _, secret = tokens.create(
            name,
            owner,
            scopes or list(Scope),
            publication_id=publication.pk if publication else None,
            newsletter_ids=newsletter_ids,
            now=clock.now(),
        )
        return Caller(secret)

    return create


@pytest.fixture
def caller(make_caller: MakeCaller) -> Caller:
    """Return a program that may do everything."""
    return make_caller()


@pytest.fixture(autouse=True)
def fresh_limits() -> None:
    """Forget what earlier tests counted: token ids come again."""
    with redis.Redis.from_url(django_settings.DIGEST_REDIS_URL) as valkey:
        for key in (*valkey.scan_iter("digest-api*"), *valkey.scan_iter("digest-signups*")):
            valkey.delete(key)
