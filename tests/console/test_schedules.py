"""The page of schedules."""

import pytest
from django.test import Client

from digest.newsletters.models import Newsletter
from tests.cast import make_newsletter, make_schedule, make_subscriber

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/schedules/"


def test_the_next_ten_sends_stand_in_chosen_zones(ada_client: Client) -> None:
    """One typed, one ticked; both are ticked on the page that comes back."""
    make_schedule(make_newsletter(name="The Morning Tide"))
    query = {"zone": ["Europe/Berlin", "Asia/Kathmandu", ""]}
    answer = ada_client.get(ADDRESS, query)
    page = answer.content.decode()
    [table] = answer.context["tables"]
    assert len(table["rows"]) == 10
    assert {len(cells) for cells, _ in table["rows"]} == {3}
    for zone in ("Europe/Berlin", "Asia/Kathmandu"):
        assert f'value="{zone}" checked' in page
    assert "CET" in page


def test_one_without_a_schedule_says_so(ada_client: Client) -> None:
    """And where there is none at all, that."""
    assert "No newsletter is live or private" in ada_client.get(ADDRESS).content.decode()
    make_newsletter()
    assert "sent manually" in ada_client.get(ADDRESS).content.decode()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "<script>alert(1)</script>", "../etc", "x" * 500])
def test_a_zone_that_is_none_is_named(ada_client: Client, zone: str) -> None:
    """The others are shown all the same."""
    make_schedule(make_newsletter())
    answer = ada_client.get(ADDRESS, {"zone": ["Europe/London", zone]})
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert "<script>alert" not in page
    assert [zone.key for zone in answer.context["zones"]] == ["Europe/London"]


def test_subscribers_clocks_are_explained(ada_client: Client) -> None:
    """At the same time of everybody's own day."""
    tide = make_newsletter()
    make_schedule(tide)
    Newsletter.objects.update(send_in_local_time=True)
    answer = ada_client.get(ADDRESS, {"zone": ["Asia/Tokyo"]})
    [table] = answer.context["tables"]
    for cells, _ in table["rows"]:
        assert cells[0]["time"][:5] == cells[1]["time"][:5]
    assert "everybody receives it at the same time" in answer.content.decode()


def test_zones_are_those_where_subscribers_are(ada_client: Client) -> None:
    """Where most of them live stands first, and is shown at once."""
    newsletter = make_newsletter()
    make_schedule(newsletter)
    for number, zone in enumerate(["Asia/Tokyo", "Africa/Lagos", "Africa/Lagos", "", "Mars/One"]):
        make_subscriber(newsletter, timezone=zone, email=f"r{number}@reader.example")
    page = ada_client.get("/admin/schedules/").content.decode()
    assert page.index('value="Africa/Lagos" checked') < page.index('value="Asia/Tokyo" checked')
    assert "Mars/One" not in page
    assert (
        'value="Africa/Lagos" checked'
        not in ada_client.get("/admin/schedules/?zone=").content.decode()
    )
