"""Deliverability: what came of mails by recipient domain, and a subscriber's bounces."""

import pytest
from django.test import Client

from digest.accounts.models import User
from digest.bounces import recording, results
from digest.bounces.models import DomainResult
from digest.bounces.results import Result
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Member, Role
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.bounces.factories import make_finding
from tests.cast import NOON, make_newsletter, make_running

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def desk(client: Client) -> Client:
    """An owner's browser."""
    client.force_login(User.objects.create_superuser("ada@courier.example", "x"))
    return client


@pytest.fixture
def issue() -> Issue:
    """An issue to ten subscribers: seven got it, two were refused, one waits."""
    issue = make_running(10)
    Issue.objects.filter(pk=issue.pk).update(slot=clock.now())
    pks = list(issue.deliveries.order_by("pk").values_list("pk", flat=True))
    rows = Delivery.objects.all()
    rows.filter(pk__in=pks[:7]).update(state=Delivery.State.SENT, settled_at=NOON, attempts=1)
    rows.filter(pk=pks[0]).update(attempts=3)
    rows.filter(pk__in=pks[7:9]).update(
        state=Delivery.State.FAILED, settled_at=NOON, reply_code=550, reply="5.1.1 User unknown"
    )
    rows.filter(pk=pks[9]).update(state=Delivery.State.DEFERRED)
    issue.refresh_from_db()
    return issue


def subscriber_of(issue: Issue) -> Subscriber:
    """Return the first who got it."""
    return Subscriber.objects.filter(deliveries__issue=issue).earliest("pk")


def test_results_are_counted_by_domain(issue: Issue) -> None:
    """Twice gives the same; what bounced later is no longer delivered."""
    for _ in range(2):
        assert results.count_recent(clock.now()) == 1
    finding = make_finding()
    recording.record(subscriber_of(issue), issue, finding, clock.now())
    (row,) = results.by_domain([issue.pk])
    assert row == Result("reader.example", sent=7, deferred=2, refused=2, bounced=1, complaints=0)
    assert (row.delivered, row.delivered_percent) == (6, "66.6")


def test_small_domains_are_one_row(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads fifty thousand rows."""
    subscriber = subscriber_of(issue)
    Subscriber.objects.filter(pk=subscriber.pk).update(address_key="kim@small.example")
    monkeypatch.setattr(results, "MOST_DOMAINS", 1)
    results.count_issue(issue.pk)
    assert set(DomainResult.objects.values_list("domain", flat=True)) == {"reader.example", ""}


@pytest.mark.parametrize(
    ("recent", "before", "text"),
    [
        (Result("d", sent=50, refused=50), Result("d", sent=100), "50% delivered"),
        (Result("d", sent=50, refused=50), None, "50% delivered"),
        (Result("d", sent=95, refused=5), Result("d", sent=100), ""),
        (Result("d", sent=60, refused=40), Result("d", sent=60, refused=40), ""),
        (Result("d", sent=20, refused=20), Result("d", sent=100), ""),
        (Result("d", sent=1000, complaints=5), Result("d", sent=1000), "5 complaints"),
        (Result("d", sent=10_000, complaints=5), Result("d", sent=1000), ""),
    ],
)
def test_a_drop_is_told(recent: Result, before: Result | None, text: str) -> None:
    """A tenth fewer than before, or three complaints in a thousand; not by a handful of mails."""
    summary = results.compare(recent, before)
    assert summary.startswith(text) if text else not summary


def test_a_drop_stands_on_home(desk: Client, issue: Issue) -> None:
    """With a link to the domain."""
    DomainResult.objects.create(issue=issue, domain="wall.example", sent=10, deferred=0, refused=90)
    page = desk.get("/admin/").content.decode()
    assert "wall.example takes less of your mail" in page
    assert (
        "10% delivered in three days, 100% before."
        in desk.get("/admin/deliverability/").content.decode()
    )


def test_the_pages_show_numbers_and_replies(desk: Client, issue: Issue) -> None:
    """A stranger's words are text."""
    results.count_issue(issue.pk)
    finding = make_finding(text=f"550 5.1.1 {EVIL} User unknown", reporter=EVIL)
    subscriber = subscriber_of(issue)
    recording.record(subscriber, issue, finding, clock.now())
    page = desk.get("/admin/deliverability/").content.decode()
    assert "reader.example" in page
    assert "66.6 %" in page
    for address in ("deliverability/at/reader.example/", f"subscribers/{subscriber.pk}/"):
        page = desk.get(f"/admin/{address}").content.decode()
        assert "User unknown" in page, address
        assert EVIL not in page, address
    assert "userunknown" in page
    assert desk.get("/admin/deliverability/at/nowhere.example/").status_code == 404


def test_another_publication_sees_nothing(issue: Issue) -> None:
    """Neither its numbers nor its bounces."""
    results.count_issue(issue.pk)
    newsletter = make_newsletter()
    user = User.objects.create_user("eve@courier.example", "x", is_staff=True)
    Member.objects.create(
        user=user, publication=newsletter.publication, role=Role.OWNER, created_at=NOON
    )
    browser = Client()
    browser.force_login(user)
    assert "reader.example" not in browser.get("/admin/deliverability/").content.decode()
    assert browser.get("/admin/deliverability/at/reader.example/").status_code == 404


def test_the_checks_advise(desk: Client, issue: Issue) -> None:
    """A reserved domain is said to be one; nothing asks the network here."""
    page = desk.get("/admin/deliverability/checks/").content.decode()
    assert "courier.example is reserved for examples." in page
