"""`digest send` and `digest issue …`, against a scripted relay."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.cli import following
from digest.core import clock
from digest.core.errors import DigestError
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.relays import health
from digest.relays.errors import RelayDownError
from digest.relays.models import Relay
from digest.sending import planning, sender, sweeping
from digest.sending.models import AnyDelivery, Delivery
from digest.subscribers.models import Subscriber
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_running
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest
from tests.clock import NOON
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def tide(db: None) -> Newsletter:
    """A newsletter with a story that is new and two subscribers."""
    newsletter = make_newsletter(slug="tide", name="The Morning Tide")
    now = clock.now()
    make_article(make_source(newsletter), title="Seals return", published_at=now, first_seen_at=now)
    for name in ("ines", "tom"):
        make_subscriber(newsletter, email=f"{name}@reader.example")
    return newsletter


@pytest.fixture
def relay(settings: Settings) -> Iterator[SmtpServer]:
    """A relay that takes everything."""
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        yield server


def test_an_issue_that_has_to_be_approved_is_not_sent_without(
    digest: Digest, tide: Newsletter, relay: SmtpServer
) -> None:
    """Somebody with an account says so in the same command."""
    User.objects.create_user("ada@courier.example")
    Newsletter.objects.update(approval="one", undo_seconds=0)
    refused = digest("send", "tide", "--yes")
    assert (refused.status, "have to be approved" in refused.err) == (1, True)
    assert not Issue.objects.exists()
    assert "on its way" in digest("send", "tide", "--yes", "--as", "ada@courier.example").out
    issue = Issue.objects.get()
    assert (issue.state, issue.approved_by.email) == (Issue.State.BUILT, "ada@courier.example")  # type: ignore[union-attr]
    planning.plan_built(clock.now() + timedelta(seconds=1))
    assert AnyDelivery.objects.count() == 2


def deliver() -> None:
    """Do what workers do, once."""
    planning.plan_built()
    sender.send_due()
    sweeping.sweep(clock.now())


@contextmanager
def working(work: Callable[[], None] = deliver) -> Iterator[None]:
    """A worker at the side, on a connection of its own."""
    over = threading.Event()

    def run() -> None:
        try:
            while not over.wait(0.05):
                with suppress(DigestError, DatabaseError):
                    work()
        except Exception as problem:
            # Whoever waits for this worker must not wait for ever.
            Issue.objects.update(state="cancelled", reason=repr(problem))
            raise
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_test_goes_to_one_address_and_leaves_no_trace(
    digest: Digest, tide: Newsletter, relay: SmtpServer
) -> None:
    """No issue, no delivery, no question asked."""
    result = digest("send", "tide", "--to", "Editor@courier.example")
    assert result.status == 0, result.err
    assert "A test is on its way to Editor@courier.example. The relay said: 250" in result.out
    assert relay.recipients == ["Editor@courier.example"]
    assert "Seals return" in str(message_from_bytes(relay.received[0].data)["Subject"])
    assert digest("send", "tide", "--to", "e@courier.example", "--json").json["code"] == 250
    assert not Issue.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none", "--yes"], "There is no newsletter"),
        (["tide", "--to", "nobody"], "not a valid email address"),
        (["tide", "--to", ""], "not a valid email address"),
        (["tide"], "This sends to 2 subscribers. Say so with --yes."),
        (["tide", "--json"], "--yes"),
    ],
)
def test_bad_wishes_send_nothing(
    digest: Digest, tide: Newsletter, relay: SmtpServer, arguments: list[str], reason: str
) -> None:
    """Neither to one nor to all."""
    result = digest("send", *arguments)
    assert result.status == 1
    assert reason in result.err + result.out
    assert relay.received == []
    assert not Issue.objects.exists()


def test_a_test_without_relay_or_refused_by_it_is_said(
    digest: Digest, tide: Newsletter, settings: Settings
) -> None:
    """What to set, or the relay's own words."""
    settings.DIGEST_SMTP_URL = ""
    assert "DIGEST_SMTP_URL" in digest("send", "tide", "--to", "a@r.example").err
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    assert "cannot be reached" in digest("send", "tide", "--to", "a@r.example").err
    with SmtpServer({"rcpt": lambda _: "550 5.1.1 Nobody here"}) as server:
        settings.DIGEST_SMTP_URL = server.url
        result = digest("send", "tide", "--to", "a@r.example")
    assert (result.status, result.out) == (1, "")
    assert "550 5.1.1 Nobody here" in result.err


@pytest.mark.parametrize(("text", "status"), [("y", 0), ("YES", 0), ("n", 1), ("", 1)])
def test_a_person_is_asked_first(
    digest: Digest, tide: Newsletter, monkeypatch: pytest.MonkeyPatch, text: str, status: int
) -> None:
    """Only a yes builds anything; the question names how many."""
    prompts: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    def answer(question: str) -> str:
        prompts.append(question)
        return text

    monkeypatch.setattr("builtins.input", answer)
    assert digest("send", "tide").status == status
    assert prompts == ["Send The Morning Tide to 2 subscribers now? [y/N] "]
    assert Issue.objects.exists() is (status == 0)


def test_too_little_is_not_sent_and_has_a_status_of_its_own(
    digest: Digest, tide: Newsletter
) -> None:
    """The second issue of the same minute has no stories left."""
    assert digest("send", "tide", "--yes").status == 0
    Issue.objects.update(slot=clock.now().replace(year=2020))
    result = digest("send", "tide", "--yes")
    assert result.status == 3
    assert "Nothing was sent. No new stories" in result.out


def test_nobody_to_send_to_is_said_before_anything_is_built(digest: Digest) -> None:
    """The stories stay for when there is somebody."""
    make_newsletter(slug="tide")
    result = digest("send", "tide")
    assert result.status == 1
    assert "Nobody would receive it" in result.err
    assert not Issue.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_when_everybody_has_it(
    digest: Digest, tide: Newsletter, relay: SmtpServer
) -> None:
    """The numbers add up."""
    with working():
        result = digest("send", "tide", "--yes", "--wait")
    assert result.status == 0, result.err
    assert "2 subscribers = 2 sent" in result.out
    assert sorted(relay.recipients) == ["ines@reader.example", "tom@reader.example"]


@pytest.mark.django_db(transaction=True)
def test_waiting_says_why_nothing_moves(
    digest: Digest, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a worker; and an issue that is cancelled meanwhile ends it with 1."""
    monkeypatch.setattr(following, "PATIENCE", 0.1)
    monkeypatch.setattr(following, "TICK", 0.05)

    def give_up() -> None:
        time.sleep(4)  # long enough for the command to have asked for workers
        Issue.objects.update(state="cancelled", reason="No worker in sight.")

    with working(give_up):
        result = digest("send", "tide", "--yes", "--wait")
    assert result.status == 1
    assert result.err.count("No worker answers. Start one with `digest worker`.") == 1
    assert "No worker in sight." in result.out


@pytest.mark.django_db(transaction=True)
def test_waiting_names_the_relays_problem(
    digest: Digest, tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it looks for workers."""
    problem = RelayDownError("127.0.0.1:25 cannot be reached")
    health.record_failure(Relay.objects.create(name="default"), problem, clock.now())
    monkeypatch.setattr(following, "PATIENCE", 0.1)
    monkeypatch.setattr(following, "TICK", 0.05)
    notes: list[str] = []
    assert digest("send", "tide", "--yes").status == 0
    issue = Issue.objects.get()

    def note(line: str) -> None:
        notes.append(line)
        Issue.objects.update(state="paused")

    following.follow(issue, show=lambda _: None, note=note)
    assert notes == [
        "The relay cannot be used: 127.0.0.1:25 cannot be reached. It is tried again by itself."
    ]


def test_an_issue_can_be_listed_shown_and_steered(
    digest: Digest, tide: Newsletter, relay: SmtpServer
) -> None:
    """Paused, it sends nothing; resumed and cancelled it says so, and never twice."""
    assert "digest preview" in digest("issue", "list").out
    number = digest("send", "tide", "--yes", "--json").json["issue"]
    assert digest("issue", "pause", number).status == 0
    deliver()
    assert relay.received == []
    result = digest("issue", "pause", number)
    assert (result.status, result.out) == (1, "")
    assert "it is paused" in result.err
    assert digest("issue", "resume", number).status == 0
    planning.plan_built()
    result = digest("issue", "cancel", number, "--reason", "Wrong date.")
    assert result.status == 0
    assert "2 subscribers = 2 cancelled" in result.out
    result = digest("issue", "show", number)
    for arguments in ["Wrong date.", "Seals return", "Published on", "GMT", "2 cancelled"]:
        assert arguments in result.out
    assert digest("issue", "resume", number).status == 1
    result = digest("issue", "list", "--newsletter", "tide")
    assert "cancelled" in result.out
    assert "0 of 2" in result.out


def test_progress_adds_up(digest: Digest, tide: Newsletter, settings: Settings) -> None:
    """One sent, one failed, with eligible the sum of all states."""
    replies = {"rcpt": lambda line: "550 5.1.1 Nobody" if "tom@" in line else None}
    with SmtpServer(replies) as server:
        settings.DIGEST_SMTP_URL = server.url
        number = digest("send", "tide", "--yes", "--json").json["issue"]
        deliver()
    values = digest("issue", "show", number, "--json").json
    counts = values["progress"]
    assert (counts["sent"], counts["failed"], values["state"]) == (1, 1, "sent")
    assert counts.pop("eligible") == sum(counts.values()) == 2
    assert "2 subscribers = 1 sent + 1 failed" in digest("issue", "show", number).out
    assert "5.1.1 Nobody" in digest("subscriber", "show", "tom@reader.example").out
    assert AnyDelivery.objects.count() == 2


@pytest.mark.parametrize("action", ["show", "pause", "resume", "cancel"])
def test_an_unknown_issue_is_answered_in_a_line(digest: Digest, action: str) -> None:
    """A number that is none is bad usage."""
    result = digest("issue", action, "4711")
    assert (result.status, result.out) == (1, "")
    assert "There is no issue 4711" in result.err
    for number in ("x", "-1", "0", "99999999999999999999"):
        assert digest("issue", action, number).status == 2


def test_an_issue_of_a_cadence_says_so(digest: Digest) -> None:
    """In the list, by itself, and in JSON; an issue like any other doesn't."""
    issue = make_issue()
    week = make_issue(issue.newsletter, cadence="weekly")
    listed = digest("issue", "list").out
    assert listed.count("GMT, weekly") == 1
    assert "once a week" in digest("issue", "show", week.pk).out
    assert "every issue" not in digest("issue", "show", issue.pk).out
    assert digest("issue", "show", week.pk, "--json").json["cadence"] == "weekly"


def test_an_issue_is_shown_though_its_subscribers_were_erased(digest: Digest) -> None:
    """The numbers stay."""
    issue = make_running(2)
    Delivery.objects.update(state=Delivery.State.SENT, settled_at=NOON)
    Subscriber.objects.all().delete()
    values = digest("issue", "show", issue.pk, "--json").json
    assert (values["progress"]["eligible"], values["progress"]["sent"]) == (2, 2)


def test_uncertain_deliveries_are_listed_and_resolved(digest: Digest, tmp_path: Path) -> None:
    """By hand, by a log; a wrong wish says what is wrong and changes nothing."""
    issue = make_running(2)
    Delivery.objects.update(state=Delivery.State.UNCERTAIN, times_uncertain=1)
    listed = digest("issue", "uncertain", str(issue.pk), "--json").json
    assert len(listed) == 2
    assert listed[0]["message_id"] in digest("issue", "uncertain", str(issue.pk)).out
    log = tmp_path / "log"
    assert "cannot be read" in digest("issue", "resolve", str(issue.pk), "--log", str(log)).err
    log.write_text(listed[0]["message_id"])
    result = digest("issue", "resolve", str(issue.pk), "--log", str(log))
    assert "1 sent, 0 to send again" in result.out
    to = ["--sent", "--to", listed[0]["email"]]
    assert "is uncertain" in digest("issue", "resolve", str(issue.pk), *to).err
    assert digest("issue", "resolve", str(issue.pk), "--resend").status == 0
    assert Delivery.objects.filter(state=Delivery.State.QUEUED).count() == 1
    assert digest("issue", "uncertain", str(issue.pk)).out.strip() == "No delivery is uncertain."


def test_an_issue_says_when_the_rest_is_due(digest: Digest) -> None:
    """From the first who waits to the last; nothing when nobody does."""
    issue = make_running(3)
    first, second, sent = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=first.pk).update(due_at=NOON)
    Delivery.objects.filter(pk=second.pk).update(due_at=NOON + timedelta(hours=6))
    Delivery.objects.filter(pk=sent.pk).update(state=Delivery.State.SENT, settled_at=NOON)
    result = " ".join(digest("issue", "show", issue.pk).out.split())
    assert "due from Mon 23 Nov 2026, 12:00 GMT to Mon 23 Nov 2026, 18:00 GMT" in result
    Delivery.objects.update(state=Delivery.State.SENT, settled_at=NOON)
    assert "due" not in digest("issue", "show", issue.pk).out
    assert digest("issue", "show", issue.pk, "--json").json["due_from"] is None


def test_who_got_it_is_told_a_page_at_a_time(digest: Digest, tide: Newsletter) -> None:
    """Current or archived, all of them or those in one state."""
    issue = make_running(3, newsletter=tide, slot=NOON)
    failed = issue.deliveries.latest("pk")
    issue.deliveries.update(state=3, settled_at=NOON, attempts=1, reply_code=250, reply="ok")
    issue.deliveries.filter(pk=failed.pk).update(state=4, reply_code=550, reply="no such user")
    Issue.objects.filter(pk=issue.pk).update(state="sent", finished_at=NOON.replace(year=2025))
    current = digest("issue", "deliveries", issue.pk, "--json").json
    assert digest("issue", "archive", "--json").json == {
        "archived": 3,
        "deleted": 0,
        "finished": True,
    }
    assert digest("issue", "deliveries", issue.pk, "--json").json == current
    page = digest("issue", "deliveries", issue.pk, "--limit", 1, "--json").json
    assert page["deliveries"] == current["deliveries"][:1]
    after = ("--after", page["next"], "--limit", 2, "--json")
    rest = {"deliveries": current["deliveries"][1:], "next": ""}
    assert digest("issue", "deliveries", issue.pk, *after).json == rest
    row = digest("issue", "deliveries", issue.pk, "--state", "failed", "--json").json
    [delivery] = row["deliveries"]
    assert (delivery["id"], delivery["state"], delivery["reply"]) == (
        failed.pk,
        "failed",
        "550 no such user",
    )
    assert page["next"] in digest("issue", "deliveries", issue.pk, "--limit", 1).out
    refused = digest("issue", "deliveries", issue.pk, "--after", "rubbish")
    assert "is not a place" in refused.err
    result = digest("issue", "archive").out
    assert "0 deliveries archived" in result
    assert "Nothing is left to archive." in result
