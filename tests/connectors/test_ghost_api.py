"""What Ghost's Content API brings, and how it says no: a scripted server over real sockets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.articles.models import Article
from digest.connectors import catching_up, registry, settling
from digest.connectors.errors import ConnectorError
from digest.connectors.models import Connection, ReceivedEvent
from digest.newsletters.models import Publication
from tests.cast import NOON, make_publication
from tests.connectors.ghost import make_post
from tests.provider_server import Answer, ProviderServer, Request

pytestmark = pytest.mark.django_db
KEY = "22444f78447824223cefc48062"


class GhostSite:
    """A site with posts; it answers to its key alone."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.queries: list[dict[str, list[str]]] = []
        self.server = ProviderServer(lambda _request: Answer(405), pages=self.answer)

    def answer(self, request: Request) -> Answer:
        """List the posts, as /ghost/api/content/posts/ does."""
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        if parts.path != "/ghost/api/content/posts/":
            return Answer(404)
        if query["key"] != [KEY]:
            return Answer.of({"errors": [{"message": "Unknown Content API Key"}]}, 401)
        self.queries.append(query)
        limit, page = int(query["limit"][0]), int(query["page"][0])
        posts = self.posts
        if isinstance(posts, list):  # a site may answer anything
            posts = posts[(page - 1) * limit : page * limit]
        return Answer.of({"posts": posts, "meta": {}})


@pytest.fixture
def site(settings: Settings) -> Iterator[GhostSite]:
    """A site on this machine, which the operator has excepted."""
    site = GhostSite()
    with site.server as server:
        settings.DIGEST_FETCH_ALLOW = [server.netloc]
        yield site


def add(site: GhostSite, publication: Publication | None = None, key: str = KEY) -> Connection:
    """Connect the site."""
    owner, _ = User.objects.get_or_create(email="ada@courier.example")
    connection, _ = registry.add(
        "blog",
        "ghost",
        publication or make_publication(),
        owner,
        NOON,
        site_url=site.server.url,
        key=key,
    )
    return connection


def test_a_new_connection_brings_the_latest_posts(site: GhostSite) -> None:
    """And every hour what changed since; nothing is stored twice."""
    site.posts = [make_post(), make_post(id="2", title="Ferry", url="https://courier.example/2/")]
    connection = add(site)
    assert catching_up.catch_up_due(NOON) == 2
    assert catching_up.catch_up_due(NOON) == 0  # in an hour
    settling.settle_due()
    assert set(Article.objects.values_list("title", flat=True)) == {"Seals return", "Ferry"}
    connection.refresh_from_db()
    assert connection.caught_up_to == datetime(2026, 11, 23, 11, tzinfo=UTC)
    site.posts = [
        make_post(),
        make_post(title="Forty seals", updated_at="2026-11-23T11:20:00.000Z"),
    ]
    assert catching_up.catch_up_due(NOON + timedelta(hours=1)) == 1
    assert site.queries[-1]["filter"] == ["updated_at:>='2026-11-23 11:00:00'"]
    assert settling.settle_next(connection, NOON + timedelta(hours=1))
    assert Article.objects.filter(title="Forty seals").exists()
    assert ReceivedEvent.objects.filter(settled_at=None).count() == 0


def test_many_posts_that_changed_in_one_moment_are_all_stored(site: GhostSite) -> None:
    """As when a tag is given to them; more than fit into one answer."""
    site.posts = [make_post()]
    connection = add(site)
    assert catching_up.catch_up(connection, NOON) == 1
    connection.refresh_from_db()
    site.posts = [make_post(id=str(number)) for number in range(120)]
    assert catching_up.catch_up(connection, NOON) == 120
    assert catching_up.catch_up(connection, NOON) == 0


@pytest.mark.parametrize(
    ("key", "path", "reason"),
    [("wrong", "", "refused the Content API key"), (KEY, "blog", "no Content API")],
)
def test_a_connection_that_does_not_work_is_not_added(
    site: GhostSite, key: str, path: str, reason: str
) -> None:
    """The reason says what to do, and never the key."""
    site.server.url += path
    with pytest.raises(ConnectorError, match=reason) as refusal:
        add(site, key=key)
    assert key not in str(refusal.value)
    assert not Connection.objects.exists()


def test_an_answer_that_is_not_ghosts_is_named(site: GhostSite, settings: Settings) -> None:
    """Whatever it is."""
    site.posts = {"a": 1}  # type: ignore[assignment]
    connection = add(site)
    assert catching_up.catch_up(connection, NOON) == 0
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, b"<html>")) as other:
        settings.DIGEST_FETCH_ALLOW = [other.netloc]
        connection.site_url = other.url.rstrip("/")
        with pytest.raises(ConnectorError, match="did not answer as Ghost"):
            catching_up.catch_up(connection, NOON)


def test_trouble_is_shown_and_asked_about_again(site: GhostSite, settings: Settings) -> None:
    """Without an end of the job for other connections."""
    connection = add(site)
    settings.DIGEST_FETCH_ALLOW = []
    assert catching_up.catch_up_due(NOON) == 0
    connection.refresh_from_db()
    assert "could not be reached" in connection.problem
    assert KEY not in connection.problem
    assert connection.catch_up_at == NOON + catching_up.EVERY


def test_the_key_is_sealed(site: GhostSite) -> None:
    """So a dump of the database does not have it."""
    connection = add(site)
    assert KEY not in repr(list(Connection.objects.filter(pk=connection.pk).values()))


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "Not a slug"},
        {"kind": "drupal"},
        {"site_url": "https://courier.example"},
        {"key": KEY},
        {"kind": "webhook", "site_url": "https://courier.example", "key": KEY},
        {"site_url": "ftp://courier.example", "key": KEY},
    ],
)
def test_what_cannot_be_is_refused(wish: dict[str, str]) -> None:
    """With a reason."""
    owner = User.objects.create(email="ada@courier.example")
    fields = {"name": "blog", "kind": "ghost"} | wish
    name, kind = fields.pop("name"), fields.pop("kind")
    with pytest.raises(ConnectorError):
        registry.add(name, kind, make_publication(), owner, NOON, **fields)  # type: ignore[arg-type]
