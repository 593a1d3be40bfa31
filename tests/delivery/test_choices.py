"""What readers chose takes effect in what they are sent: how often, about what, or nothing more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction

from digest.core import clock
from digest.delivery import ledger, planning, sending, sweeping
from digest.delivery.choosing import shelf_of
from digest.delivery.compiling import compiled_for
from digest.delivery.models import Delivery
from digest.delivery.progress import progress
from digest.delivery.retries import Outcome
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter, Section
from digest.subscribers.models import Subscriber, Subscription
from tests.cast import (
    LONG_AGO,
    NOON,
    make_edition,
    make_newsletter,
    make_running,
    make_section,
    make_story,
    make_subscriber,
)
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

StartRelay = Callable[..., SmtpServer]
State = Delivery.State
SITE = "https://courier.example/"
TOPICS = ("Harbour", "Sport", "Culture")


def reader(newsletter: Newsletter, **choice: object) -> Subscriber:
    """Add a reader who chose."""
    made = make_subscriber(newsletter)
    choose(made, **choice)
    return made


def choose(who: Subscriber, **choice: object) -> None:
    """Let a reader choose anew."""
    Subscription.objects.filter(subscriber=who).update(**choice)


def planned(edition: Edition) -> set[Subscriber | None]:
    """Plan everything; return for whom an edition is."""
    planning.plan_built(NOON)
    return {delivery.subscriber for delivery in edition.deliveries.select_related("subscriber")}


def topical() -> Edition:
    """An edition with a story of each of two topics out of three, and one of none."""
    newsletter = make_newsletter()
    for title in TOPICS:
        make_section(newsletter, kind=Section.Kind.TOPIC, title=title, topics=[title.lower()])
    edition = make_edition(newsletter, slot=LONG_AGO)
    make_story(edition, url=f"{SITE}harbour", topics=["Harbour"], section="Harbour")
    make_story(edition, url=f"{SITE}derby", topics=["Sport"], section="Sport")
    make_story(edition, url=f"{SITE}weather", topics=[])
    return edition


def mails(server: SmtpServer) -> dict[str, EmailMessage]:
    """Return what was received, by recipient."""
    return {got.recipient: read(got.data) for got in server.received}


def read(data: bytes) -> EmailMessage:
    """Parse a mail."""
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def stories(mail: EmailMessage) -> set[str]:
    """Return the stories that both parts of a mail link to; none may stand in one part alone."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    names = ("harbour", "derby", "weather")
    found = [{name for name in names if f"{SITE}{name}" in part} for part in parts]
    assert found[0] == found[1]
    return found[0]


def settled_as(delivery: Delivery) -> tuple[int, str]:
    """Return how a delivery ended."""
    delivery.refresh_from_db()
    return delivery.state, delivery.reply


def test_each_cadence_receives_its_own_editions() -> None:
    """Who chose what is offered no more receives every issue; one by hand goes to all."""
    newsletter = make_newsletter(cadences=["weekly"])
    every, weekly, daily = (reader(newsletter, cadence=c) for c in ("every", "weekly", "daily"))
    issue, week = make_edition(newsletter), make_edition(newsletter, cadence="weekly")
    hand = make_edition(newsletter, kind="manual", slot=NOON.replace(minute=1))
    for edition in (issue, week, hand):
        make_story(edition)
    assert planned(issue) == {every, daily}
    assert planned(week) == {weekly}
    planning.plan_built(hand.slot)
    assert hand.deliveries.count() == 3


@pytest.mark.parametrize(
    ("edition_is", "now_wants", "reason"),
    [
        ("every", "weekly", "The reader asked for it once a week."),
        ("every", "daily", "The reader asked for it once a day."),
        ("weekly", "every", "The reader asked for every issue."),
    ],
)
def test_who_switches_in_the_middle_of_a_send_is_not_sent_it(
    edition_is: str, now_wants: str, reason: str
) -> None:
    """Even from the batch in a worker's hands."""
    newsletter = make_newsletter(cadences=["daily", "weekly"])
    edition = make_running(2, newsletter=newsletter, cadence=edition_is)
    Subscription.objects.update(cadence=edition_is)
    batch = ledger.claim(edition, 10, NOON)
    first, second = batch.rows
    Subscription.objects.filter(subscriber=first.subscriber_id).update(cadence=now_wants)
    assert ledger.look_again(batch, batch.rows, NOON).wanted == {second.id}
    assert settled_as(Delivery.objects.get(pk=first.id)) == (State.SUPPRESSED, reason)


def test_an_edition_by_hand_asks_nobody_how_often() -> None:
    """An editor sends it to all."""
    newsletter = make_newsletter(cadences=["weekly"])
    edition = make_running(1, newsletter=newsletter, kind="manual")
    Subscription.objects.update(cadence="weekly")
    assert len(ledger.claim(edition, 1, NOON).rows) == 1


def test_readers_get_the_stories_of_their_topics(relay: StartRelay) -> None:
    """In both parts, under the edition's subject; who chose nothing gets everything."""
    server, edition = relay(), topical()
    harbour, both, everything = (
        reader(edition.newsletter, topics=topics)
        for topics in (["Harbour"], ["Sport", "Harbour"], [])
    )
    planning.plan_built(NOON)
    assert sending.send_due().counts == {State.SENT: 3}
    got = mails(server)
    assert stories(got[harbour.email]) == {"harbour"}
    assert stories(got[both.email]) == {"harbour", "derby"}
    assert len(stories(got[everything.email])) == 3
    assert len({mail["Subject"] for mail in got.values()}) == 1


def test_nobody_is_planned_for_whom_there_is_nothing() -> None:
    """Not even a row; a topic that is no section any more counts for nothing."""
    edition = topical()
    reader(edition.newsletter, topics=["Culture"])
    reader(edition.newsletter, topics=["Culture", "Gone"])
    some = [
        reader(edition.newsletter, topics=topics)
        for topics in ([], ["Sport"], ["Sport", "Gone"], ["Culture", "Harbour"], ["Gone"])
    ]
    assert planned(edition) == set(some)


def test_whose_topics_are_all_gone_gets_everything(relay: StartRelay) -> None:
    """Also when the section went between planning and sending."""
    server, edition = relay(), topical()
    gone, rest = reader(edition.newsletter, topics=["Sport"]), reader(edition.newsletter)
    planning.plan_built(NOON)
    Section.objects.filter(title="Sport").delete()
    sending.send_due()
    assert len(stories(mails(server)[gone.email])) == 3
    assert len(stories(mails(server)[rest.email])) == 3


def test_a_newsletter_without_topics_sends_everything() -> None:
    """Whatever a reader once chose."""
    newsletter = make_newsletter()
    edition = make_edition(newsletter)
    make_story(edition, topics=["Sport"])
    once = reader(newsletter, topics=["Harbour"])
    assert planned(edition) == {once}


@pytest.mark.parametrize("when", ["before the claim", "after the claim"])
def test_who_chose_other_topics_after_planning_gets_those_or_nothing(
    relay: StartRelay, when: str
) -> None:
    """Settled with the reason where there is nothing."""
    server, edition = relay(), topical()
    nothing, other = (reader(edition.newsletter, topics=["Sport"]) for _ in range(2))
    planning.plan_built(NOON)
    issue = shelf_of(edition, compiled_for(edition)).issue
    batch = ledger.claim(edition, 10, NOON, issue) if when == "after the claim" else None
    choose(nothing, topics=["Culture"])
    if batch:
        [row] = [row for row in batch.rows if row.subscriber_id == nothing.pk]
        assert not ledger.look_again(batch, [row], NOON).wanted
    else:
        choose(other, topics=["Harbour"])
        sending.send_due()
        assert stories(mails(server)[other.email]) == {"harbour"}
    assert settled_as(Delivery.objects.get(subscriber=nothing)) == (
        State.SUPPRESSED,
        "Nothing in it is about the topics that the reader chose.",
    )
    assert nothing.email not in server.recipients


def test_what_the_size_limit_left_out_is_nobodys_story() -> None:
    """A reader of that topic alone would get an empty mail."""
    edition = topical()
    for _ in range(60):
        make_story(edition, summary="長い要約。" * 100)
    last = make_story(edition, topics=["Culture"])
    reader(edition.newsletter, topics=["Culture"])
    assert last.position in compiled_for(edition).dropped
    assert planned(edition) == set()


def test_a_choice_is_of_positions_and_never_empty() -> None:
    """Who chose anew within this very second gets all rather than an empty mail."""
    edition = topical()
    shelf = shelf_of(edition, compiled_for(edition))
    assert shelf.chosen(["Harbour"]) == frozenset({0})
    assert shelf.chosen([]) is None
    assert shelf.chosen(["Gone"]) is None
    assert shelf.chosen(["Culture"]) is None


def erase(subscriber_id: int) -> None:
    """Erase as a page does, in one transaction."""
    with transaction.atomic():
        ledger.forget(subscriber_id, NOON)
        Subscriber.objects.filter(pk=subscriber_id).delete()


def test_an_erased_reader_is_sent_nothing_more_and_the_numbers_stay() -> None:
    """What waited is settled, what was sent stays sent, and no row knows whose it was."""
    edition = make_running(5)
    rows = list(Delivery.objects.order_by("pk"))
    ends = [State.QUEUED, State.DEFERRED, State.SENT, State.FAILED, State.IN_DOUBT]
    for row, end in zip(rows, ends, strict=True):
        at = NOON if end in {State.SENT, State.FAILED} else None
        reply = f"<{row.subscriber}>: the relay's words"
        Delivery.objects.filter(pk=row.pk).update(state=end, settled_at=at, reply=reply)
        assert row.subscriber_id
        erase(row.subscriber_id)
    assert [settled_as(row) for row in rows] == [
        (State.SUPPRESSED, ledger.ERASED),
        (State.SUPPRESSED, ledger.ERASED),
        (State.SENT, ""),
        (State.FAILED, ""),
        (State.IN_DOUBT, ""),
    ]
    assert not Delivery.objects.filter(subscriber__isnull=False).exists()
    swept = sweeping.sweep(NOON)
    assert (swept.resent, swept.finished) == (0, [edition])
    assert progress(edition).eligible == progress(edition).settled == 5


def test_other_readers_keep_their_deliveries() -> None:
    """Forgetting is of one."""
    edition = make_running(2)
    one, other = Delivery.objects.order_by("pk")
    assert one.subscriber_id
    erase(one.subscriber_id)
    assert [row.id for row in ledger.claim(edition, 10, NOON).rows] == [other.pk]


@pytest.mark.parametrize("erased", [0, 1, 2])
def test_a_batch_goes_on_without_the_reader_who_was_erased(erased: int) -> None:
    """The worker finds that claim gone, and sends the others."""
    edition = make_running(3)
    batch = ledger.claim(edition, 10, NOON)
    erase(batch.rows[erased].subscriber_id)
    left = {row.id for at, row in enumerate(batch.rows) if at != erased}
    assert ledger.look_again(batch, batch.rows, NOON).wanted == left


def test_a_late_word_about_an_erased_reader_changes_nothing() -> None:
    """Whatever it is: there is nobody to try again for."""
    edition = make_running()
    batch = ledger.claim(edition, 10, NOON)
    [row] = batch.rows
    ledger.record(batch, [(row.id, Outcome(State.IN_DOUBT, None, ledger.DOUBT))], NOON)
    erase(row.subscriber_id)
    later = Outcome(State.DEFERRED, 451, "later", NOON)
    assert not ledger.record(batch, [(row.id, later)], NOON)
    assert progress(edition).in_doubt == 1


def test_rows_of_a_reader_who_was_just_deleted_hold_up_nobody() -> None:
    """They are never claimed, and a sweep settles them."""
    edition = make_running(3)
    first = Delivery.objects.order_by("pk")[0]
    assert first.subscriber
    first.subscriber.delete()
    assert len(ledger.claim(edition, 1, NOON).rows) == 1
    sweeping.sweep(NOON)
    assert settled_as(first) == (State.SUPPRESSED, ledger.ERASED)


def test_an_edition_of_erased_readers_alone_is_not_due() -> None:
    """Else senders would nudge each other round and round until the next sweep."""
    make_running(1)
    Subscriber.objects.all().delete()
    assert not ledger.due_editions(clock.now()).exists()


@pytest.mark.django_db(transaction=True)
def test_erased_while_the_relay_is_answering(relay: StartRelay) -> None:
    """That mail has gone; the rest of the batch goes out all the same."""
    gone = Event()

    def erase_once(address: str) -> None:
        if not gone.is_set():
            gone.set()
            erase(Subscriber.objects.get(email=address).pk)
            connection.close()

    server, edition = relay({"end": erase_once}), make_running(3)
    sending.send_due()
    counted = progress(edition)
    assert (len(server.received), counted.sent, counted.suppressed) == (3, 2, 1)
    assert not Delivery.objects.filter(state=State.QUEUED).exists()


@pytest.mark.django_db(transaction=True)
def test_planning_beside_an_erasure_leaves_no_row_behind() -> None:
    """It waits for the erasure, and then plans for those who are left."""
    edition = make_edition()
    make_story(edition)
    leaving, staying = (make_subscriber(edition.newsletter) for _ in range(2))
    compiled_for(edition)

    def plan() -> None:
        try:
            planning.plan_built(NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ledger.forget(leaving.pk, NOON)
            planner = pool.submit(plan)
            assert not Event().wait(0.5)
            assert not planner.done()
            leaving.delete()
        with pytest.raises(IntegrityError):
            planner.result(timeout=10)
    assert planned(edition) == {staying}
