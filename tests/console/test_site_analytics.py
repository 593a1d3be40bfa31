"""The page that connects a publication to its site's analytics."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.analytics.models import SiteConnection
from digest.newsletters.models import Publication
from tests.cast import make_article, make_publication
from tests.provider_server import Answer, ProviderServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def publication() -> Publication:
    """The Courier."""
    return make_publication()


def page(publication: Publication, rest: str = "") -> str:
    """The address of the page, or of one of its actions."""
    return f"/admin/publication/{publication.pk}/site-analytics/{rest}"


def test_a_feed_is_connected_tested_and_disconnected(
    admin_client: Client, publication: Publication, settings: Settings
) -> None:
    """The test says what was matched and what was not; the token is not shown."""
    settings.DIGEST_FETCH_ALLOW = ["127.0.0.1"]
    article = make_article(
        url="https://courier.example/seals", canonical_url="https://courier.example/seals"
    )
    body = b'{"/seals": 9, "/about": 5}'
    with ProviderServer(lambda _: Answer(), pages=lambda _: Answer(200, body)) as server:
        values = {"address": server.url, "secret": "very-secret"}
        saved = admin_client.post(page(publication, "feed/"), values, follow=True)
        assert "is connected" in saved.text
        assert "very-secret" not in saved.text
        tested = admin_client.post(page(publication, "test/"), follow=True)
    assert "2 pages, 1 of them articles." in tested.text
    assert "https://courier.example/about" in tested.text
    article.refresh_from_db()
    assert (article.views, article.score) == (9, 1)
    tested = admin_client.post(page(publication, "test/"), follow=True)  # it has stopped
    assert "Check the address and the token." in tested.text
    assert "(1 failure in a row)" in tested.text
    removed = admin_client.post(page(publication, "remove/"), follow=True)
    assert "Not connected." in removed.text
    assert not SiteConnection.objects.exists()


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("plausible", ["Address", "Site", "API key"]),
        ("ga4", ["Property ID", "Key file"]),
        ("umami", ["Website ID", "User", "Password or API key"]),
        ("unknown", ["API key"]),
    ],
)
def test_a_form_asks_for_what_a_kind_needs(
    admin_client: Client, publication: Publication, kind: str, labels: list[str]
) -> None:
    """Each in its own words; a kind that does not exist shows the first one."""
    text = admin_client.get(page(publication, f"?kind={kind}")).text
    for label in labels:
        assert label in text


@pytest.mark.parametrize("kind", ["plausible", "piwik"])
def test_what_is_missing_is_said(admin_client: Client, publication: Publication, kind: str) -> None:
    """Nothing is stored."""
    answer = admin_client.post(page(publication, f"{kind}/"), {"secret": "x"})
    assert answer.status_code == 422
    assert "is missing" in answer.text or "is not known" in answer.text
    assert not SiteConnection.objects.exists()


def test_only_those_who_manage_the_publication_open_it(
    client: Client, publication: Publication
) -> None:
    """An account without a role sees nothing."""
    client.force_login(User.objects.create_user("ada@courier.example", is_staff=True))
    assert client.get(page(publication)).status_code == 403
