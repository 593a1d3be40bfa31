"""Deliverability by the API: drops, DMARC sources, readings of providers, inactive subscribers."""

import pytest

from digest.accounts.scopes import Scope
from digest.bounces.models import Sunset
from digest.core import clock
from digest.newsletters.models import Newsletter, Publication, Tracking
from digest.reputation.models import ServiceConnection
from tests.api.conftest import Caller, MakeCaller
from tests.bounces.factories import make_drop
from tests.bounces.inactivity import LONG_AGO, click, make_old
from tests.cast import make_publication
from tests.cast.reputation import make_reading, make_report

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]


@pytest.fixture
def other() -> Publication:
    """A publication that sends from another domain."""
    return make_publication(slug="other", sender_email="news@herald.example")


def test_drops_are_listed(make_caller: MakeCaller, tide: Newsletter, other: Publication) -> None:
    """Of the newsletters in reach, newest first; those that are over by themselves."""
    over, drop = make_drop(tide, clock.now()), make_drop(tide)
    caller = make_caller(Scope.STATISTICS_READ)
    assert [row["id"] for row in caller.json("GET", "/drops")["items"]] == [drop.pk, over.pk]
    row = caller.json("GET", "/drops", open=True, newsletter="tide")["items"][0]
    assert (row["id"], row["name"], row["kind"]) == (drop.pk, "Gmail", "delivery")
    assert row["summary"] == "40.0 % of 1,200 mails were refused or deferred, usually 1.0 %."
    assert row["ended_at"] is None
    assert caller.json("GET", "/drops", open=False)["items"][0]["id"] == over.pk
    limited = make_caller(Scope.STATISTICS_READ, publication=other, name="limited")
    assert limited.json("GET", "/drops")["items"] == []
    assert limited("GET", "/drops", newsletter="tide").status_code == 404


def test_dmarc_sources_are_those_of_own_domains(
    make_caller: MakeCaller, tide: Newsletter, other: Publication
) -> None:
    """A token of one publication learns nothing of another's domain."""
    make_report("courier.example", 40)
    make_report("herald.example", 2)
    sources = make_caller(Scope.STATISTICS_READ).json("GET", "/dmarc/sources", days=7)
    assert sources["domains"] == ["courier.example", "herald.example"]
    assert [row["mails"] for row in sources["items"]] == [42]
    limited = make_caller(Scope.STATISTICS_READ, publication=other, name="limited")
    own = limited.json("GET", "/dmarc/sources")
    assert own["domains"] == ["herald.example"]
    assert own["items"][0] == {
        "source": "192.0.2.7",
        "standing": "failing",
        "mails": 2,
        "passed": 0,
        "dkim": 0,
        "spf": 0,
        "stopped": 0,
        "addresses": ["192.0.2.7"],
    }


def test_readings_of_services(
    make_caller: MakeCaller, tide: Newsletter, other: Publication
) -> None:
    """Domains of the publication; addresses and services only for tokens of all publications."""
    make_reading("postmaster", "courier.example", spam_share=0.002)
    make_reading("postmaster", "herald.example", spam_share=0.001)
    make_reading("snds", "192.0.2.7", color="green", mails=900, trap_hits=0)
    ServiceConnection.objects.create(
        kind="snds",
        address="https://snds.example",
        sealed_secret="sealed",
        due_at=clock.now(),
        problem="SNDS refuses the key.",
    )
    caller = make_caller(Scope.STATISTICS_READ)
    rows = caller.json("GET", "/reputation/readings")["items"]
    assert [row["subject"] for row in rows] == ["192.0.2.7", "herald.example", "courier.example"]
    assert (
        caller.json("GET", "/reputation/readings", service="snds")["items"][0]["color"] == "green"
    )
    services = caller.json("GET", "/reputation/services")["items"]
    assert services[0]["name"] == "Microsoft SNDS"
    assert services[0]["problem"] == "SNDS refuses the key."
    assert "sealed" not in str(services)
    limited = make_caller(Scope.STATISTICS_READ, publication=other, name="limited")
    own = limited.json("GET", "/reputation/readings")["items"]
    assert [row["subject"] for row in own] == ["herald.example"]
    assert limited.json("GET", "/reputation/services")["items"] == []


def test_the_rule_for_inactive_subscribers(caller: Caller, tide: Newsletter) -> None:
    """Shown with its forecast, changed, and refused where nobody could be told apart."""
    path = "/newsletters/tide/sunset"
    assert caller.json("GET", path)["active"] is False
    assert "does not count the clicks" in caller.json("GET", path)["problem"]
    refused = caller("PATCH", path, {"active": True})
    assert (refused.status_code, "does not count" in refused.content.decode()) == (409, True)
    assert not Sunset.objects.exists()
    assert caller("PATCH", path, {"issues": 1}).status_code == 422
    Publication.objects.update(tracking=Tracking.INDIVIDUAL)
    click(make_old(tide), clock.now() - LONG_AGO)
    changed = caller.json("PATCH", path, {"active": True, "issues": 5, "months": 2})
    assert (changed["active"], changed["issues"], changed["months"]) == (True, 5, 2)
    assert changed["inactive"] == 1
    assert changed["questions"] == {"open": 0, "stayed": 0, "paused": 0}
