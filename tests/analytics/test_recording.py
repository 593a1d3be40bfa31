"""The recorder: its buffer, what it writes when PostgreSQL goes away, and what is deleted later."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import OperationalError

from digest.analytics import clickers, retention
from digest.analytics.models import DailySalt, Hit, HitKind, Verdict
from digest.analytics.recording import Client, NewHit, visitors
from digest.analytics.recording.agents import by_name
from digest.analytics.recording.buffer import Recorder
from digest.analytics.recording.writing import write
from digest.analytics.verdicts.agents import Agent
from digest.analytics.verdicts.reasons import Reason
from digest.issues.models import Issue
from digest.selfservice import data_export, erasure
from tests.analytics.factories import make_hit
from tests.cast import NOON, make_issue, make_newsletter, make_publication, make_subscriber

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def issue() -> Issue:
    """An issue of a publication that counts in aggregate."""
    return make_issue(make_newsletter(publication=make_publication(tracking="aggregate")))


def a_hit(issue: Issue, address: str = "203.0.113.7") -> NewHit:
    """A click at noon."""
    return NewHit(NOON, HitKind.CLICK, issue.pk, 1, None, Client(address, FIREFOX))


def test_batches_are_written_once(issue: Issue) -> None:
    """When the reply to COMMIT is lost, the same batch is sent again and changes nothing."""
    calls: list[int] = []

    def write_and_lose_the_reply(hits: Sequence[NewHit], ids: list[int]) -> None:
        calls.append(len(hits))
        write(hits, ids)
        if len(calls) == 1:
            raise OperationalError("the connection was lost")

    recorder = Recorder(write_and_lose_the_reply)
    recorder.record(a_hit(issue))
    recorder.record(a_hit(issue))
    assert not recorder.flush()
    recorder.record(a_hit(issue))
    assert recorder.waiting == 3
    assert recorder.flush()
    assert (recorder.waiting, calls) == (0, [2, 2, 1])
    assert Hit.objects.count() == 3


def test_hits_wait_while_postgresql_is_away(issue: Issue) -> None:
    """As many as there is room for; more are dropped, and the log says how many."""
    outage = [True]

    def write_if_possible(hits: Sequence[NewHit], ids: list[int]) -> None:
        if outage[0]:
            raise OperationalError("connection refused")
        write(hits, ids)

    recorder = Recorder(write_if_possible, most_waiting=5)
    for _ in range(8):
        recorder.record(a_hit(issue))
    assert not recorder.flush()
    outage.clear()
    outage.append(False)
    assert recorder.flush()
    assert Hit.objects.count() == 5


def test_a_batch_that_cannot_be_written_does_not_stop_the_others(issue: Issue) -> None:
    """Whatever is wrong with it."""

    def refuse_the_first(hits: Sequence[NewHit], ids: list[int]) -> None:
        if Hit.objects.count() == 0 and hits[0].link_id == 2:
            raise ValueError(hits)
        write(hits, ids)

    recorder = Recorder(refuse_the_first)
    recorder.record(a_hit(issue)._replace(link_id=2))
    assert recorder.flush()
    recorder.record(a_hit(issue))
    assert recorder.flush()
    assert Hit.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("", "0.0.0.0/24"),
    ],
)
def test_networks_are_stored_instead_of_addresses(issue: Issue, address: str, network: str) -> None:
    """Of one customer or company; no column has the address, nor a hash that others could make."""
    write([a_hit(issue, address)], [])
    [row] = Hit.objects.values()
    assert row["network"] == network
    assert address == "" or not any(address in str(value) for value in row.values())


def test_visitors_of_clients_differ_by_issue_and_day(issue: Issue) -> None:
    """So nobody can follow a client from issue to issue."""
    visitors.salt_of.cache_clear()
    other = make_issue(issue.newsletter, slot=NOON + timedelta(days=1))
    hit = a_hit(issue)
    later = hit._replace(at=NOON + timedelta(days=1))
    write([hit, hit, hit._replace(issue_id=other.pk), later], [])
    numbers = list(Hit.objects.order_by("pk").values_list("visitor", flat=True))
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3
    assert DailySalt.objects.count() == 2


def test_a_salt_outlives_a_batch_that_is_undone(issue: Issue) -> None:
    """Or this process would number the visitors of the day with a salt that no other one has."""
    visitors.salt_of.cache_clear()
    write([a_hit(issue)], [make_hit(issue).pk])  # an id that is there: the batch is rolled back
    assert Hit.objects.count() == 1
    salt = visitors.salt_of(NOON.date())
    visitors.salt_of.cache_clear()  # as another process
    assert visitors.salt_of(NOON.date()) == salt


def test_hits_on_what_is_gone_are_not_written(issue: Issue) -> None:
    """An issue that was deleted in the meantime."""
    hit = a_hit(issue)
    issue.delete()
    write([hit], [])
    assert not Hit.objects.exists()


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (FIREFOX, Agent.BROWSER),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
            ),
            Agent.PHONE,
        ),
        (
            (
                "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 "
                "(via ggpht.com GoogleImageProxy)"
            ),
            Agent.IMAGE_PROXY,
        ),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "image proxy"),
        ("Mozilla/5.0", Agent.IMAGE_PROXY),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/139.0.0.0 Safari/537.36", Agent.HEADLESS),
        ("python-requests/2.32", Agent.LIBRARY),
        ("curl/8.5.0", Agent.LIBRARY),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Agent.BOT),
        ("facebookexternalhit/1.1", Agent.BOT),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", Agent.MAIL),
        ("Some gateway", Agent.BOT),
        ("", Agent.EMPTY),
    ],
)
def test_classes_of_user_agents(user_agent: str, agent: str) -> None:
    """From strings that their makers publish."""
    assert by_name(user_agent) == agent


def test_old_hits_are_deleted(issue: Issue) -> None:
    """After 90 days, once they are judged; salts after two days."""
    day = timedelta(days=1)
    ages = (91, 91, 89)
    write([a_hit(issue)._replace(at=NOON - age * day) for age in ages], [])
    Hit.objects.update(verdict=1)
    Hit.objects.filter(pk=Hit.objects.latest("pk").pk - 1).update(verdict=None)
    DailySalt.objects.all().delete()
    for age in range(3):
        DailySalt.objects.create(day=(NOON - age * day).date(), salt=b"salt")
    assert retention.delete_old(NOON) == 1
    assert Hit.objects.count() == 2
    assert DailySalt.objects.count() == 2


def test_erasure_deletes_hits_and_the_export_shows_them(issue: Issue) -> None:
    """Of that subscriber alone."""
    ines, tom = make_subscriber(issue.newsletter), make_subscriber(issue.newsletter)
    for subscriber in (ines, tom):
        number = visitors.of_subscriber(subscriber.uuid)
        Hit.objects.create(
            at=NOON, issue_id=issue.pk, kind=HitKind.OPEN, subscriber_id=subscriber.pk,
            visitor=number, network="203.0.113.0/24", agent="browser", verdict=Verdict.MACHINE,
            reasons=Reason.USER_AGENT,
        )  # fmt: skip
    [row] = data_export.export_subscriber(ines)["clicks"]
    assert row == {
        "at": NOON,
        "issue": issue.pk,
        "newsletter": issue.newsletter.slug,
        "kind": "open",
        "target": "",
        "network": "203.0.113.0/24",
        "program": "browser",
        "verdict": "machine",
        "reasons": ["Its user agent is a program's, or missing."],
    }
    assert erasure.erase(ines.pk, NOON)
    assert [hit.subscriber_id for hit in Hit.objects.all()] == [tom.pk]
    assert clickers.export_hits(tom)
