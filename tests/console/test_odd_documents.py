"""Values that only a script would send: they are refused in words, and nothing of them is kept."""

import json
from uuid import UUID

import pytest
from django.test import Client

from digest.newsletters.models import Appeal, Publication
from tests.cast import make_appeal, make_newsletter

pytestmark = pytest.mark.django_db
DEEP = '{"rules": [' * 20_000
RULES = [
    pytest.param('{"match": [], "rules": []}', id="match is a list"),
    pytest.param('{"match": {}, "rules": []}', id="match is an object"),
    pytest.param(DEEP, id="nested too deep"),
    pytest.param(json.dumps({"match": "\ud800", "rules": []}), id="lone surrogate"),
    pytest.param('{"rules": [{"field": "joined", "operator": "is", "value": NaN}]}', id="NaN"),
]
APPEAL = {
    "kind": "appeal",
    "body": "Help us.",
    "button": "Support us",
    "url": "https://courier.example/",
    "style": "box",
    "priority": "1",
    "weight": "1",
}


@pytest.fixture
def publication() -> Publication:
    """A publication far west of Greenwich, whose days begin late."""
    newsletter = make_newsletter()
    Publication.objects.update(timezone="Pacific/Honolulu")
    return newsletter.publication


@pytest.mark.parametrize("rules", RULES)
def test_rules_that_are_none_are_refused(
    ada_client: Client, publication: Publication, rules: str
) -> None:
    """When they are saved, previewed, and proposed by an address."""
    address = f"/admin/publication/{publication.pk}/segments"
    saved = ada_client.post(f"{address}/new/", {"name": "Odd", "rules": rules})
    assert (saved.status_code, 'class="error"' in saved.content.decode()) == (200, True)
    preview = ada_client.post(f"{address}/preview/", {"rules": rules})
    assert (preview.status_code, 'class="error"' in preview.content.decode()) == (200, True)
    assert ada_client.get(f"{address}/new/", {"rules": rules[:60_000]}).status_code == 200
    assert not publication.segments.exists()


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        ("2026-12-01T08:00", "9999-12-31T23:59"),
        ("0001-01-01T00:00", ""),
        ("0026-12-01T08:00", "2027-01-01T00:00"),
    ],
)
def test_an_appeal_runs_in_years_that_can_be_read_again(
    ada_client: Client, publication: Publication, starts_at: str, ends_at: str
) -> None:
    """9999 in Honolulu is 10000 in UTC: the list of appeals could not be opened any more."""
    data = APPEAL | {
        "publication": publication.pk,
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    answer = ada_client.post("/admin/appeals/new/", data)
    assert answer.status_code == 200
    assert "Choose times from the years 2000 to 2199." in answer.content.decode()
    assert not Appeal.objects.exists()
    appeal = make_appeal(publication)
    ada_client.post(f"/admin/appeals/{appeal.pk}/", data)
    assert ada_client.get("/admin/appeals/").status_code == 200


@pytest.mark.parametrize("address", ["invitation/a%00b/", "deliverability/at/gm%00ail/"])
def test_no_address_holds_a_nul(ada_client: Client, publication: Publication, address: str) -> None:
    """PostgreSQL takes none, wherever it stands."""
    assert ada_client.get(f"/admin/{address}").status_code in {400, 404}


def test_an_appeal_that_cannot_be_copied_says_why(
    ada_client: Client, publication: Publication
) -> None:
    """Its picture is gone, as after older data were restored."""
    appeal = make_appeal(publication, picture=UUID(int=7))
    answer = ada_client.post(f"/admin/appeals/{appeal.pk}/duplicate/", follow=True)
    assert answer.status_code == 200
    assert [row.level_tag for row in answer.context["messages"]] == ["error"]
    assert Appeal.objects.count() == 1
