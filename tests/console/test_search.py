"""Search everywhere: what is found, by whom, and how the palette asks."""

import pytest
from django.test import Client

from digest.newsletters.models import Newsletter, Publication
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_appeal, make_member, make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/search/"


@pytest.fixture
def tide() -> Newsletter:
    """One of everything that is about seals."""
    publication = make_publication(name="Seal Courier")
    newsletter = make_newsletter(name="Seals weekly", publication=publication)
    make_article(make_source(newsletter, title="Seals feed"), title="Seals return")
    make_issue(newsletter, subject="Seals at last")
    make_appeal(newsletter.publication, heading="Help the seals")
    make_subscriber(newsletter, email="seal.keeper@mail.example")
    return newsletter


def kinds(client: Client, query: str) -> list[str]:
    """Return the kinds of what is found, in order."""
    return [result.kind for result in client.get(ADDRESS, {"s": query}).context["results"]]


def test_everything_with_a_page_is_found(ada_client: Client, tide: Newsletter) -> None:
    """The kinds of which there are few come first."""
    assert kinds(ada_client, "SEAL") == [
        *("Newsletter", "Publication", "Subscriber"),
        *("Issue of Seals weekly, 23 Nov 2026", "Appeal", "Source", "Article"),
    ]
    for result in ada_client.get(ADDRESS, {"s": "SEAL"}).context["results"]:
        assert ada_client.get(result.url).status_code == 200


def test_pages_of_the_menu_are_found(ada_client: Client) -> None:
    """By their title."""
    [first, *_] = ada_client.get(ADDRESS, {"s": "deliv"}).context["results"]
    assert (first.title, first.url) == ("Deliverability", "/admin/deliverability/")


def test_others_publications_are_not_found(client: Client, tide: Newsletter) -> None:
    """Nor subscribers and pages without the right."""
    stranger = make_member(make_publication(name="Other"))
    client.force_login(stranger)
    assert kinds(client, "seal") == []
    analyst = make_member(
        Publication.objects.get(name="Seal Courier"), role="analyst", email="mo@courier.example"
    )
    client.force_login(analyst)
    assert "Subscriber" not in kinds(client, "seal")
    assert "Article" in kinds(client, "seal")
    assert kinds(client, "mail servers") == []


def test_the_palette_gets_its_part(ada_client: Client, tide: Newsletter) -> None:
    """With the ids that unfold's script looks for; what came from outside is text."""
    make_issue(tide, slot="2026-11-20T07:00Z", subject="<script>alert(1)</script>seal")
    page = ada_client.get(ADDRESS, {"s": "seal", "extended": "1"}).content.decode()
    assert 'id="command-results-list"' in page
    assert 'id="command-results-note"' in page
    assert "<html" not in page
    assert "<script>" not in page
    assert (
        "Nothing matches."
        in ada_client.get(ADDRESS, {"s": "walrus", "extended": "1"}).content.decode()
    )


@pytest.mark.parametrize("query", ["", " ", "s", "%", "_" * 5_000, "\\", "'; DROP", "İ"])
def test_odd_queries_find_nothing_or_little(
    ada_client: Client, tide: Newsletter, query: str
) -> None:
    """Wildcards are characters."""
    answer = ada_client.get(ADDRESS, {"s": query})
    assert answer.status_code == 200
    assert answer.context["results"] == []


def test_the_menu_says_how(ada_client: Client) -> None:
    """Ctrl K stands on the button, ⌘K on a Mac's."""
    assert "Ctrl K" in ada_client.get("/admin/issues/").content.decode()
    mac = ada_client.get("/admin/issues/", headers={"user-agent": "Mozilla/5.0 (Macintosh)"})
    assert "⌘K" in mac.content.decode()
