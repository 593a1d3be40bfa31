"""Deliverability: what came of mails by recipient domain, and a subscriber's bounces."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from digest.analytics.models import Hit
from digest.bounces import recording
from digest.bounces.models import Bounce, DomainResult, Drop
from digest.bounces.results import counting, tables
from digest.bounces.results.values import Result
from digest.core import clock
from digest.core.findings import Finding
from digest.doctor import one_click
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication, Role, Tracking
from digest.reputation.models import MailDomain
from digest.sending import archiving
from digest.sending.models import Delivery
from digest.subscribers.models import Subscriber
from tests.bounces.factories import make_finding
from tests.cast import NOON, make_issue, make_member, make_newsletter, make_running
from tests.cast.accounts import browser_of
from tests.cast.bounces import make_drop
from tests.cast.texts import SCRIPT

pytestmark = pytest.mark.django_db


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
    finding = make_finding()
    recording.record(subscriber_of(issue), issue, finding, clock.now())
    for _ in range(2):
        assert counting.count_recent(clock.now()) == [issue.pk]
    (row,) = tables.by_domain([issue.pk])
    assert row == Result("reader.example", sent=7, deferred=2, waiting=1, refused=2, bounced=1)
    assert (row.delivered, row.delivered_percent, row.trouble_percent) == (6, "66.6", 40.0)


def test_people_who_clicked_are_counted_by_domain(issue: Issue) -> None:
    """Once, without machines, and only where the publication counts each subscriber."""
    subscriber = subscriber_of(issue)
    for kind, verdict in ((1, 1), (1, 1), (1, 2), (2, 1)):
        Hit.objects.create(
            at=NOON,
            issue_id=issue.pk,
            kind=kind,
            verdict=verdict,
            subscriber_id=subscriber.pk,
            visitor=1,
            network="192.0.2.0/24",
        )
    counting.count_issue(issue.pk, NOON)
    assert tables.by_domain([issue.pk])[0].click_percent == ""
    Publication.objects.update(tracking=Tracking.INDIVIDUAL)
    counting.count_issue(issue.pk, NOON)
    (row,) = tables.by_domain([issue.pk])
    assert (row.clickers, row.countable, row.click_percent) == (1, 7, "14.3 %")


@pytest.mark.parametrize(
    ("age", "since", "due"),
    [(0, 0, True), (1, 1 / 24, False), (1, 4 / 24, True), (6, 0.5, False), (6, 0.8, True)],
)
def test_older_issues_are_counted_less_often(age: float, since: float, due: bool) -> None:  # noqa: FBT001
    """After an eighth of their age; in days."""
    counted_at = NOON - timedelta(days=since)
    assert counting.is_due(NOON - timedelta(days=age), counted_at, NOON) == due


def test_small_domains_are_one_row(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads fifty thousand rows; those of a large provider stay, however few."""
    subscribers = Subscriber.objects.filter(deliveries__issue=issue).order_by("pk")
    for subscriber, domain in zip(subscribers, ("small.example", "gmail.com"), strict=False):
        subscriber.address_key = f"kim@{domain}"
        subscriber.save()
    monkeypatch.setattr(counting, "MOST_DOMAINS", 2)
    counting.count_issue(issue.pk, NOON)
    domains = set(DomainResult.objects.values_list("domain", flat=True))
    assert domains == {"gmail.com", "reader.example", ""}


def test_a_drop_stands_on_home(ada_client: Client, issue: Issue) -> None:
    """And on its own page, with a link, until it is over."""
    counting.count_issue(issue.pk, NOON)
    make_drop(issue)
    sentence = "40.0 % of 500 mails were refused or deferred, usually 1.0 %."
    page = ada_client.get("/admin/").content.decode()
    assert f"Gmail accepts less of {issue.newsletter.name} than usual" in page
    assert sentence in page
    assert sentence in ada_client.get("/admin/deliverability/").content.decode()
    Drop.objects.update(ended_at=NOON)
    assert sentence not in ada_client.get("/admin/").content.decode()
    assert sentence not in ada_client.get("/admin/deliverability/").content.decode()


def test_a_provider_has_a_page(ada_client: Client, issue: Issue) -> None:
    """With its domains together, by day; a hosted domain is one of them."""
    names = ("gmail.com", "googlemail.com", "firm.example", "else.example")
    for domain, sent in zip(names, (5, 4, 3, 2), strict=True):
        DomainResult.objects.create(
            issue=issue, domain=domain, sent=sent, deferred=0, refused=0, counted_at=NOON
        )
    MailDomain.objects.create(domain="firm.example", provider="gmail", checked_at=NOON)
    assert "Gmail" in ada_client.get("/admin/deliverability/").content.decode()
    page = ada_client.get("/admin/deliverability/at/gmail/").content.decode()
    assert "gmail.com, googlemail.com, firm.example" in page
    assert "<td>12</td>" in page
    assert "else.example" not in page
    assert "<td>3</td>" in ada_client.get("/admin/deliverability/at/firm.example/").content.decode()


def test_the_pages_show_numbers_and_replies(ada_client: Client, issue: Issue) -> None:
    """A stranger's words are text."""
    finding = make_finding(text=f"550 5.1.1 {SCRIPT} User unknown", reporter=SCRIPT)
    subscriber = subscriber_of(issue)
    recording.record(subscriber, issue, finding, clock.now())
    counting.count_issue(issue.pk, NOON)
    page = ada_client.get("/admin/deliverability/").content.decode()
    assert "reader.example" in page
    assert "66.6 %" in page
    for address in ("deliverability/at/reader.example/", f"subscribers/{subscriber.pk}/"):
        page = ada_client.get(f"/admin/{address}").content.decode()
        assert "User unknown" in page, address
        assert SCRIPT not in page, address
    assert "userunknown" in page
    assert ada_client.get("/admin/deliverability/at/nowhere.example/").status_code == 404


@pytest.mark.parametrize("tracking", list(Tracking))
def test_clicks_that_nobody_counts_are_named(
    ada_client: Client, issue: Issue, tracking: Tracking
) -> None:
    """Where it is not known who clicked, both pages say that it is unknown at which provider."""
    counting.count_recent(clock.now())
    Publication.objects.update(name="The Daily Tide", tracking=tracking)
    for path in ("", "at/reader.example/"):
        page = ada_client.get(f"/admin/deliverability/{path}").content.decode()
        is_named = "unknown for The Daily Tide" in page
        assert is_named == (tracking != Tracking.INDIVIDUAL)


def test_replies_are_grouped_without_what_differs(issue: Issue) -> None:
    """The address, the id of the session, and a number of the queue."""
    for number, subscriber in enumerate(Subscriber.objects.filter(deliveries__issue=issue)[:3]):
        text = f"550 5.7.1 <r{number}@reader.example> blocked, see 4T3x{number}99 (host 10.0.0.1)"
        finding = make_finding(text=text, status="5.7.1")
        recording.record(subscriber, issue, finding, clock.now())
    ((reply, times),) = tables.frequent_replies([issue.pk], ["reader.example"])
    assert (reply, times) == ("550 5.7.1 … blocked, see … (host …", 3)


@pytest.mark.parametrize(("role", "sees"), [(Role.ANALYST, False), (Role.EDITOR, True)])
def test_a_reply_that_names_somebody_is_not_for_analysts(
    issue: Issue,
    role: str,
    sees: bool,  # noqa: FBT001
) -> None:
    """However often the same subscriber got it; what three got is for everybody."""
    subscribers = Subscriber.objects.filter(deliveries__issue=issue).order_by("pk")
    later = [make_issue(issue.newsletter, slot=clock.now(), finished_at=NOON) for _ in range(2)]
    fields = {"domain": "reader.example", "at": NOON}
    for subscriber in subscribers[:3]:
        Bounce.objects.create(subscriber=subscriber, issue=issue, text="550 Blocked", **fields)
    for row in (issue, *later):
        text = "452 4.2.2 User kim.smith is over quota"
        Bounce.objects.create(subscriber=subscribers[5], issue=row, text=text, **fields)
        DomainResult.objects.create(
            issue=row, domain="reader.example", sent=1, deferred=0, refused=0, counted_at=NOON
        )
    browser = browser_of(make_member(issue.newsletter.publication, role))
    page = browser.get("/admin/deliverability/at/reader.example/").content.decode()
    assert "550 Blocked" in page
    assert ("kim.smith" in page) == sees
    assert ("if at least 3 subscribers got it" in page) != sees


def test_what_was_counted_stays_when_deliveries_are_archived(
    issue: Issue, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also halfway: rows move away in steps."""
    settings.DIGEST_ARCHIVE_AFTER_DAYS = 1
    monkeypatch.setattr(archiving, "STEP", 1)
    issue.deliveries.filter(state=Delivery.State.DEFERRED).update(
        state=Delivery.State.FAILED, settled_at=NOON
    )
    Issue.objects.filter(pk=issue.pk).update(state=Issue.State.SENT, finished_at=NOON)
    counting.count_issue(issue.pk, NOON)
    expected = tables.by_domain([issue.pk])
    assert expected[0].refused == 3
    archiving.archive_deliveries(NOON + timedelta(days=2), seconds=0)
    assert issue.past_deliveries.exists()
    counting.count_issue(issue.pk, NOON + timedelta(days=2))
    assert tables.by_domain([issue.pk]) == expected


def test_another_publication_sees_nothing(issue: Issue) -> None:
    """Neither its numbers nor its bounces."""
    counting.count_issue(issue.pk, NOON)
    newsletter = make_newsletter()
    browser = browser_of(make_member(newsletter.publication))
    assert "reader.example" not in browser.get("/admin/deliverability/").content.decode()
    assert browser.get("/admin/deliverability/at/reader.example/").status_code == 404


def test_the_checks_advise(ada_client: Client, issue: Issue) -> None:
    """A reserved domain is said to be one; nothing asks the network here."""
    page = ada_client.get("/admin/deliverability/checks/").content.decode()
    assert "courier.example is reserved for examples." in page


def test_unsubscribing_is_tried_once_in_a_while(
    issue: Issue, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a newsletter of the viewer's, and not for each view; a failure is held for a minute."""
    cache.clear()
    settings.DIGEST_BASE_URL = "https://10.1.2.3"  # private: refused here, so nothing is called
    newsletter, tried = make_newsletter(), list[Newsletter | None]()
    check = one_click.check_one_click

    def noted(newsletter: Newsletter | None = None) -> Iterator[Finding]:
        tried.append(newsletter)
        return check(newsletter)

    monkeypatch.setattr(one_click, "check_one_click", noted)
    browser = browser_of(make_member(newsletter.publication))
    for _ in range(2):
        page = browser.get("/admin/deliverability/checks/").content.decode()
        assert "leads to a private address here" in page
    assert tried == [newsletter]
    cache.clear()
