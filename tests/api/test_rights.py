"""Who may do what: every operation that the API describes is refused without its right."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from digest.accounts import tokens
from digest.accounts.models import Token, User
from digest.accounts.scopes import Scope
from digest.api.v1 import api
from digest.connectors import registry
from digest.core import clock
from digest.entitlements import registry as entitlements
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.newsletters import layout
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers import attributes
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from digest.subscribers.suppression import suppress
from tests.api.conftest import Caller, MakeCaller
from tests.cast.articles import make_article, make_source
from tests.cast.bulk import make_bulk_change
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_appeal, make_newsletter, make_signup_form
from tests.cast.series import make_series
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.shared_rows import shared_rows

pytestmark = pytest.mark.django_db


class Operation(NamedTuple):
    """One operation of the API's own description."""

    method: str
    path: str
    scopes: list[str]
    bodied: bool


def described() -> list[Operation]:
    """Walk the description."""
    schema = api.get_openapi_schema(path_prefix="/")
    return [
        Operation(
            method.upper(), path, description["security"][0]["Bearer"], "requestBody" in description
        )
        for path, operations in schema["paths"].items()
        for method, description in operations.items()
    ]


DESCRIBED = described()
OPERATIONS = [row for row in DESCRIBED if row.scopes]
walk = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: f"{row.method} {row.path}")
BODIES: dict[str, Any] = {
    "/newsletters": {"publication": "theirs", "slug": "new", "name": "New"},
    "/newsletters/{slug}": {"state": "private"},
    "/publications/{slug}": {"tagline": "Ours now"},
    "/publications/{slug}/stripe": {"has_grace": False},
    "/newsletters/{slug}/picks": {"article": 0},
    "/newsletters/{slug}/sunset": {"issues": 5},
    "/newsletters/{slug}/test": {"to": "ada@courier.example"},
    "/sources": {"newsletter": "tide", "pushed": True},
    "/articles": {"publication": "theirs", "url": "https://courier.example/1", "title": "One"},
    "/articles/{article_id}": {"title": "Other"},
    "/articles/{article_id}/retract": {},
    "/articles/views": {"publication": "theirs", "views": {"https://courier.example/1": 3}},
    "/newsletters/{slug}/issues": {},
    "/newsletters/{slug}/layout": {"kind": "picked", "title": "Ours"},
    "/newsletters/{slug}/layout/{block_id}": {"title": "Ours"},
    "/appeals": {
        "publication": "theirs",
        "url": "https://a.example/",
        "heading": "A",
        "style": "link",
    },
    "/appeals/{appeal_id}": {"heading": "Other"},
    "/issues/{issue_id}/approve": {"revision": 1},
    "/issues/{issue_id}/send": {"revision": 1},
    "/issues/{issue_id}/preflight": {"network": False},
    "/issues/{issue_id}/skip": {},
    "/issues/{issue_id}/archive-access": {"archive_access": "subscribers"},
    "/issues/{issue_id}/cancel": {},
    "/issues/{issue_id}/stories/{story_id}/retract": {},
    "/issues/{issue_id}/blocks": {"kind": "divider"},
    "/issues/{issue_id}/blocks/{block_id}": {"hidden": True},
    "/issues/{issue_id}/stories": {"article": 0},
    "/issues/{issue_id}/stories/{story_id}/move": {"block": 1},
    "/issues/{issue_id}/experiment": {"subjects": ["Another"]},
    "/issues/{issue_id}/experiment/end": {"variant": 0},
    "/issues/{issue_id}/changes/undo": {"revision": 1},
    "/issues/{issue_id}/changes/redo": {"revision": 1},
    "/subscribers": {"email": "new@reader.example", "newsletters": ["tide"]},
    "/subscribers/{subscriber_id}/profile": {"publication": "theirs", "tags": ["vip"]},
    "/attributes": {"publication": "theirs", "label": "City", "kind": "text"},
    "/attributes/{attribute_id}": {"label": "Town"},
    "/segments": {"publication": "theirs", "name": "New", "rules": {"rules": []}},
    "/segments/try": {"publication": "theirs", "rules": {"rules": []}},
    "/segments/{segment_id}": {"name": "Other"},
    "/bulk-changes": {
        "publication": "theirs",
        "kind": "add-tag",
        "tag": "vip",
        "rules": {"rules": []},
    },
    "/bulk-changes/{change_id}/apply": {},
    "/forms": {"publication": "theirs", "name": "Footer", "newsletters": ["tide"]},
    "/forms/{form_id}": {"headline": "Other"},
    "/connections": {"publication": "theirs", "name": "blog", "kind": "ghost"},
    "/series/{series_id}/switch": {"active": True},
    "/suppressions": {"email": "new@reader.example", "newsletter": "tide", "reason": "asked"},
}


@pytest.fixture(scope="module")
def ids(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, int]]:
    """The ids of `make_things`. They are made once: a walk takes many steps."""
    with shared_rows(django_db_blocker, make_things) as ids:
        yield ids


def make_things() -> dict[str, int]:
    """Make one of each thing, all of one publication; return their ids by the path's first word."""
    newsletter = make_newsletter(slug="tide", publication=_publication("theirs"))
    layout.add(newsletter, "picked", "Picked", [], 3)
    subscriber = make_subscriber(newsletter)
    source = make_source(newsletter)
    suppress(subscriber.address_key, reason="asked", newsletter=newsletter, now=NOON)
    issue = make_issue(newsletter)
    entitlements.connect(newsletter.publication, NOON)
    Experiment.objects.create(issue=issue, subjects=["Another"], share=20, minutes=60)
    return {
        "appeals": make_appeal(newsletter.publication).pk,
        "attributes": attributes.define(
            newsletter.publication, label="Plan", kind="text", now=NOON
        ).pk,
        "bulk-changes": make_bulk_change(newsletter, "add-tag", tag="new").pk,
        "forms": make_signup_form(newsletter).pk,
        "connections": _connection(newsletter),
        "segments": saving.create(newsletter.publication, "All", {"rules": []}, NOON).pk,
        "series": make_series(newsletter).pk,
        "articles": make_article(source).pk,
        "sources": source.pk,
        "issues": issue.pk,
        "subscribers": subscriber.pk,
        "suppressions": newsletter.suppressions.get().pk,
        "newsletters": source.pk,
        "layout": newsletter.layout.earliest("pk").pk,
    }


def _connection(newsletter: Newsletter) -> int:
    owner = User.objects.create_user("owner@courier.example")
    row, _ = registry.add("site", "webhook", newsletter.publication, owner, NOON)
    return row.pk


def _publication(slug: str) -> Publication:
    newsletter = make_newsletter(slug=f"of-{slug}")
    Publication.objects.filter(pk=newsletter.publication_id).update(slug=slug)
    return Publication.objects.get(slug=slug)


def call(make_caller: Caller, operation: Operation, ids: dict[str, int]) -> Any:
    """Call an operation about these things."""
    kind = "layout" if "/layout/" in operation.path else operation.path.split("/")[1]
    slug = "theirs" if kind == "publications" else "tide"
    path = operation.path.replace("{slug}", slug).replace("{story_id}", "1")
    path = re.sub(r"\{\w+_id\}", str(ids.get(kind, 1)), path)
    body = BODIES[operation.path] if operation.bodied else None
    if operation.path.endswith(("/picks", "/stories")):
        body = {"article": ids["articles"]}
    if (operation.method, kind) == ("DELETE", "suppressions"):
        path += "?reason=asked"
    return make_caller(operation.method, path, body, key="k" if operation.method == "POST" else "")


def test_every_operation_names_the_scopes_it_needs() -> None:
    """And every scope of the table opens something."""
    assert len(OPERATIONS) > 25
    assert {scope for row in OPERATIONS for scope in row.scopes} == set(Scope)
    assert [row.path for row in DESCRIBED if not row.scopes] == ["/token"]


def test_a_token_shows_itself(make_caller: MakeCaller) -> None:
    """Whatever its scopes; without one, or with a wrong one, nothing is shown."""
    publication = _publication("ours")
    details = make_caller(Scope.STATISTICS_READ, publication=publication).json("GET", "/token")
    assert (details["scopes"], details["publication"]) == (["statistics:read"], "ours")
    assert details["newsletters"] is None
    of_all = make_caller(name="all").json("GET", "/token")
    assert (of_all["publication"], of_all["newsletters"]) == (None, None)
    own = make_newsletter(slug="own", publication=publication)
    limited = make_caller(publication=publication, newsletter_ids=[own.pk], name="one")
    details = limited.json("GET", "/token")
    assert (details["publication"], details["newsletters"]) == ("ours", ["own"])
    own.delete()
    assert limited.json("GET", "/token")["newsletters"] == []
    for secret in ("", "dg_wrong"):
        assert Caller(secret)("GET", "/token").status_code == 401


@walk
def test_nobody_calls_without_a_token(operation: Operation, ids: dict[str, int]) -> None:
    """No token, a wrong one, another scheme: 401, and nothing else is said."""
    for secret in ("", "dg_wrong", "wrong word"):
        answer = call(Caller(secret), operation, ids)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")


@walk
def test_a_token_without_the_scope_is_told_which_it_lacks(
    operation: Operation, ids: dict[str, int], make_caller: MakeCaller
) -> None:
    """All other scopes together do not make up for it."""
    before = _picture()
    for lacking in operation.scopes:
        scopes = [scope for scope in Scope if scope != lacking]
        answer = call(make_caller(*scopes, name=lacking.replace(":", " ")), operation, ids)
        assert answer.status_code == 403
        assert json.loads(answer.content)["scopes"] == [lacking]
    assert _picture() == before


@walk
def test_another_publications_token_reaches_nothing(
    operation: Operation, ids: dict[str, int], make_caller: MakeCaller
) -> None:
    """Lists are empty; the rest does not exist for it, or is refused."""
    before = _picture()
    answer = call(make_caller(publication=_publication("ours")), operation, ids)
    if answer.status_code == 200:
        items = json.loads(answer.content)["items"]
        assert [row for row in items if row.get("slug") not in {"of-ours", "ours"}] == []
    else:
        assert answer.status_code in {403, 404}, answer.content
    assert _picture() == before


@walk
def test_another_newsletters_token_reaches_nothing(
    operation: Operation, ids: dict[str, int], make_caller: MakeCaller
) -> None:
    """Though it is of the same publication: neither this newsletter, nor what they share."""
    publication = Publication.objects.get(slug="theirs")
    own = make_newsletter(slug="own", publication=publication)
    before = _picture()
    caller = make_caller(publication=publication, newsletter_ids=[own.pk])
    answer = call(caller, operation, ids)
    if answer.status_code == 200:
        items = json.loads(answer.content)["items"]
        assert [row for row in items if row.get("slug") != "own"] == []
    else:
        assert answer.status_code in {403, 404}, answer.content
    assert _picture() == before


def test_a_token_of_some_newsletters_adds_no_source(make_caller: MakeCaller) -> None:
    """They belong to the publication, as in the console: it learns nothing of them."""
    publication = _publication("ours")
    own, other = (make_newsletter(slug=slug, publication=publication) for slug in ("own", "other"))
    source = make_source(other)
    limited = make_caller(publication=publication, newsletter_ids=[own.pk], name="one")
    for key, wish in (("a", {"pushed": True}), ("b", {"url": source.url})):
        answer = limited("POST", "/sources", {"newsletter": own.slug, **wish}, key=key)
        assert answer.status_code == 403
        assert b"whole publication" in answer.content
    assert limited.json("GET", "/sources")["items"] == []
    assert not own.sources.exists()
    of_all = make_caller(publication=publication, name="all")
    of_all.json("POST", "/sources", {"newsletter": own.slug, "pushed": True}, key="c")
    assert own.sources.exists()


@walk
def test_its_own_publications_token_reaches_it(
    operation: Operation, ids: dict[str, int], make_caller: MakeCaller
) -> None:
    """So what refuses others is not that everything is refused (erasing is for all, or nobody)."""
    publication = Publication.objects.get(slug="theirs")
    answer = call(make_caller(publication=publication), operation, ids)
    expected = {200, 201, 202, 204, 409, 503}
    if operation.scopes == [Scope.SUBSCRIBERS_ERASE]:
        expected = {403}
    assert answer.status_code in expected, answer.content


def _picture() -> list[Any]:
    return [
        Subscriber.objects.count(),
        list(Issue.objects.values_list("pk", "state")),
        list(Publication.objects.get(slug="theirs").newsletters.values()),
    ]


@pytest.mark.parametrize("ending", ["revoked", "expired", "owner"])
def test_a_token_that_is_over_is_refused(ending: str, make_caller: MakeCaller) -> None:
    """Revoked, expired, or of somebody who may not log in any more."""
    caller = make_caller()
    assert caller("GET", "/newsletters").status_code == 200
    if ending == "revoked":
        tokens.revoke(tokens.get_active("cms"), clock.now())
    elif ending == "expired":
        Token.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    else:
        User.objects.update(is_active=False)
    assert caller("GET", "/newsletters").status_code == 401


def test_the_secret_is_stored_nowhere(make_caller: MakeCaller) -> None:
    """Only its hash and its beginning; the last use is noted, once a minute."""
    caller = make_caller()
    caller("GET", "/newsletters")
    token = Token.objects.get()
    row = " ".join(str(getattr(token, field.attname)) for field in Token._meta.concrete_fields)
    assert caller.secret not in row
    assert caller.secret.startswith(token.prefix)
    assert token.last_used_at is not None
    caller("GET", "/newsletters")
    assert Token.objects.get().last_used_at == token.last_used_at
    earlier = clock.now() - timedelta(minutes=2)
    Token.objects.update(last_used_at=earlier)
    caller("GET", "/newsletters")
    assert Token.objects.get().last_used_at != earlier


def test_a_token_that_calls_too_often_is_told_when_to_retry(
    make_caller: MakeCaller, settings: Settings
) -> None:
    """Each token has its own share."""
    settings.DIGEST_API_LIMIT = "2/hour"
    first, other = make_caller(name="one"), make_caller(name="other")
    statuses = [first("GET", "/newsletters").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(first("GET", "/newsletters")["Retry-After"]) > 0
    assert other("GET", "/newsletters").status_code == 200


def test_calls_pass_while_nobody_can_count_them(
    make_caller: MakeCaller, settings: Settings
) -> None:
    """To cancel an issue must work on the worst of days."""
    from digest.core.rate_limits import limiter

    limiter.cache_clear()
    settings.DIGEST_REDIS_URL = "redis://127.0.0.1:1"
    try:
        assert make_caller()("GET", "/newsletters").status_code == 200
    finally:
        limiter.cache_clear()


def test_a_body_that_is_too_large_is_refused_unread(make_caller: MakeCaller) -> None:
    """Before it is parsed."""
    article = BODIES["/articles"] | {"body_html": "x" * 1_000_001}
    assert make_caller()("POST", "/articles", article).status_code == 413


def test_an_unknown_address_is_a_problem_too() -> None:
    """In the same words as everything else here."""
    answer = Client().get("/api/v1/nothing/here")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "methods"), [("PUT", "GET"), ("DELETE", "GET"), ("HEAD", "GET")]
)
def test_a_method_that_is_not_there_is_a_problem_too(method: str, methods: str) -> None:
    """With the methods that are."""
    answer = Client().generic(method, "/api/v1/issues")
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == methods
