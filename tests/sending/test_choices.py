"""Subscribers' choices take effect in what they get: how often, which topics, or nothing more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event

import pytest
from django.db import connection, transaction

from digest.core import clock
from digest.issues import retracting
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import LayoutBlock, Newsletter
from digest.relays.retries import UNCERTAIN_REPLY, Outcome
from digest.sending import chunks, ledger, planning, sender, sweeping
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.progress import progress
from digest.sending.segmentation import segmentation_of
from digest.subscribers.models import Subscriber, Subscription
from tests.cast.issues import make_issue, make_running, make_story
from tests.cast.newsletters import make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.sending.claiming import claim_batch
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db

StartRelay = Callable[..., SmtpServer]
State = Delivery.State
SITE = "https://courier.example/"
TOPICS = ("Harbour", "Sport", "Culture")


def subscriber(newsletter: Newsletter, **choice: object) -> Subscriber:
    """Add a subscriber with choices."""
    new_subscriber = make_subscriber(newsletter)
    choose(new_subscriber, **choice)
    return new_subscriber


def choose(subscriber: Subscriber, **choice: object) -> None:
    """Change a subscriber's choices."""
    Subscription.objects.filter(subscriber=subscriber).update(**choice)


def planned(issue: Issue) -> set[Subscriber | None]:
    """Plan everything; return the subscribers of an issue."""
    planning.plan_built(NOON)
    return {row.subscriber for row in issue.any_deliveries.select_related("subscriber")}


def topical() -> Issue:
    """An issue with a story of each of two topics out of three, and one of none."""
    newsletter = make_newsletter()
    for title in TOPICS:
        make_layout_block(newsletter, kind=BlockKind.TOPIC, title=title, topics=[title.lower()])
    issue = make_issue(newsletter, slot=LONG_AGO)
    make_story(issue, url=f"{SITE}harbour", topics=["Harbour"])
    make_story(issue, url=f"{SITE}derby", topics=["Sport"])
    make_story(issue, url=f"{SITE}weather", topics=[])
    return issue


def mails(server: SmtpServer) -> dict[str, EmailMessage]:
    """Return what was received, by recipient."""
    return {received.recipient: read(received.data) for received in server.received}


def read(data: bytes) -> EmailMessage:
    """Parse a mail."""
    parsed = message_from_bytes(data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def stories(mail: EmailMessage) -> set[str]:
    """Return the stories that both parts of a mail link to; none may be in only one part."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    names = ("harbour", "derby", "weather")
    names_in_parts = [{name for name in names if f"{SITE}{name}" in part} for part in parts]
    assert names_in_parts[0] == names_in_parts[1]
    return names_in_parts[0]


def settled_as(delivery: Delivery) -> tuple[int, str]:
    """Return how a delivery ended."""
    delivery.refresh_from_db()
    return delivery.state, delivery.reply


def test_each_cadence_receives_its_own_issues() -> None:
    """A cadence that is no longer offered means every issue; a manual issue goes to all."""
    newsletter = make_newsletter(cadences=["weekly"])
    every, weekly, daily = (subscriber(newsletter, cadence=c) for c in ("every", "weekly", "daily"))
    usual, week = make_issue(newsletter), make_issue(newsletter, cadence="weekly")
    manual = make_issue(newsletter, kind="manual", slot=NOON.replace(minute=1))
    for issue in (usual, week, manual):
        make_story(issue)
    assert planned(usual) == {every, daily}
    assert planned(week) == {weekly}
    planning.plan_built(manual.slot)
    assert manual.any_deliveries.count() == 3


@pytest.mark.parametrize(
    ("issue_is", "now_wants", "reason"),
    [
        ("every", "weekly", "The subscriber asked for it once a week."),
        ("every", "daily", "The subscriber asked for it once a day."),
        ("weekly", "every", "The subscriber asked for every issue."),
    ],
)
def test_changing_the_cadence_during_a_send_takes_effect(
    issue_is: str, now_wants: str, reason: str
) -> None:
    """Even for a batch in flight."""
    newsletter = make_newsletter(cadences=["daily", "weekly"])
    issue = make_running(2, newsletter=newsletter, cadence=issue_is)
    Subscription.objects.update(cadence=issue_is)
    batch = claim_batch(issue, 10, NOON)
    first, second = batch.rows
    Subscription.objects.filter(subscriber=first.subscriber_id).update(cadence=now_wants)
    assert ledger.recheck(batch, batch.rows, NOON).sendable == {second.id}
    assert settled_as(Delivery.objects.get(pk=first.id)) == (State.SUPPRESSED, reason)


def test_a_manual_issue_goes_to_every_cadence() -> None:
    """An editor sends it to all."""
    newsletter = make_newsletter(cadences=["weekly"])
    issue = make_running(1, newsletter=newsletter, kind="manual")
    Subscription.objects.update(cadence="weekly")
    assert len(claim_batch(issue, 1, NOON).rows) == 1


def test_subscribers_get_the_stories_of_their_topics(relay: StartRelay) -> None:
    """In both parts, with the issue's subject; without a choice they get everything."""
    server, issue = relay(), topical()
    harbour, harbour_and_culture, every_topic = (
        subscriber(issue.newsletter, topics=topics)
        for topics in (["Harbour"], ["Sport", "Harbour"], [])
    )
    planning.plan_built(NOON)
    assert sender.send_due().counts == {State.SENT: 3}
    received = mails(server)
    assert stories(received[harbour.email]) == {"harbour"}
    assert stories(received[harbour_and_culture.email]) == {"harbour", "derby"}
    assert len(stories(received[every_topic.email])) == 3
    assert len({mail["Subject"] for mail in received.values()}) == 1


def test_subscribers_for_whom_there_is_no_story_are_not_planned() -> None:
    """There is no row; a topic that has no block any more is ignored."""
    issue = topical()
    subscriber(issue.newsletter, topics=["Culture"])
    subscriber(issue.newsletter, topics=["Culture", "Gone"])
    deliveries = [
        subscriber(issue.newsletter, topics=topics)
        for topics in ([], ["Sport"], ["Sport", "Gone"], ["Culture", "Harbour"], ["Gone"])
    ]
    assert planned(issue) == set(deliveries)


def test_subscribers_all_of_whose_topics_are_gone_get_everything(relay: StartRelay) -> None:
    """Also when the block is removed between planning and sending."""
    server, issue = relay(), topical()
    leaving, rest = subscriber(issue.newsletter, topics=["Sport"]), subscriber(issue.newsletter)
    planning.plan_built(NOON)
    LayoutBlock.objects.filter(title="Sport").delete()
    sender.send_due()
    assert len(stories(mails(server)[leaving.email])) == 3
    assert len(stories(mails(server)[rest.email])) == 3


def test_a_newsletter_without_topics_sends_everything() -> None:
    """Whatever a subscriber once chose."""
    newsletter = make_newsletter()
    issue = make_issue(newsletter)
    make_story(issue, topics=["Sport"])
    early = subscriber(newsletter, topics=["Harbour"])
    assert planned(issue) == {early}


@pytest.mark.parametrize("moment", ["before the claim", "after the claim"])
def test_topics_changed_after_planning_take_effect(relay: StartRelay, moment: str) -> None:
    """Where there is no story, the delivery is settled with the reason."""
    server, issue = relay(), topical()
    sport, other = (subscriber(issue.newsletter, topics=["Sport"]) for _ in range(2))
    planning.plan_built(NOON)
    audience = segmentation_of(issue, compiled_for(issue)).audience
    batch = claim_batch(issue, 10, NOON, audience) if moment == "after the claim" else None
    choose(sport, topics=["Culture"])
    if batch:
        [row] = [row for row in batch.rows if row.subscriber_id == sport.pk]
        assert not ledger.recheck(batch, [row], NOON).sendable
    else:
        choose(other, topics=["Harbour"])
        sender.send_due()
        assert stories(mails(server)[other.email]) == {"harbour"}
    assert settled_as(Delivery.objects.get(subscriber=sport)) == (
        State.SUPPRESSED,
        "Nothing in it is about the topics that the subscriber chose.",
    )
    assert sport.email not in server.recipients


def test_stories_dropped_by_the_size_limit_do_not_count() -> None:
    """A subscriber of that topic alone would get an empty mail."""
    issue = topical()
    for _ in range(60):
        make_story(issue, summary="長い要約。" * 100)
    last = make_story(issue, topics=["Culture"])
    subscriber(issue.newsletter, topics=["Culture"])
    assert last.position in compiled_for(issue).dropped
    last.refresh_from_db()
    assert last.left_out  # so that it may be in the next issue
    assert planned(issue) == set()


def test_what_had_no_room_may_be_in_the_next_issue_though_room_is_made_later() -> None:
    """A retraction while the issue goes out: those who had their mail before have not had it."""
    issue = topical()
    for _ in range(60):
        make_story(issue, summary="長い要約。" * 100)
    subscriber(issue.newsletter)
    planned(issue)
    issue.refresh_from_db()
    before = set(compiled_for(issue).dropped)
    long_story = issue.stories.get(position=5)
    retracting.retract(issue, long_story.pk, "It is not true.", NOON)
    issue.refresh_from_db()
    assert set(compiled_for(issue).dropped) < before
    assert set(issue.stories.filter(left_out=True).values_list("position", flat=True)) == before


def test_a_choice_is_of_keys_and_never_empty() -> None:
    """A choice changed within the last second gets all stories rather than an empty mail."""
    issue = topical()
    segmentation = segmentation_of(issue, compiled_for(issue))
    assert segmentation.keys_for(["Harbour"]) == frozenset({0, *segmentation.blocks})
    assert segmentation.keys_for([]) is None
    assert segmentation.keys_for(["Gone"]) is None
    assert segmentation.keys_for(["Culture"]) is None


def test_muted_topics_are_left_out(relay: StartRelay) -> None:
    """Of claimed deliveries too; a story of a chosen topic stays, and no mail is empty."""
    server, issue = relay(), topical()
    issue.stories.filter(url=f"{SITE}harbour").update(topics=["Harbour", "Culture"])
    without = subscriber(issue.newsletter, muted_topics=["Sport"])
    harbour_and_culture = subscriber(issue.newsletter, topics=["Culture"], muted_topics=["Harbour"])
    renamed = subscriber(issue.newsletter, muted_topics=["Gone"])
    planned(issue)
    sender.send_due()
    assert stories(mails(server)[without.email]) == {"harbour", "weather"}
    assert stories(mails(server)[harbour_and_culture.email]) == {"harbour"}
    assert stories(mails(server)[renamed.email]) == {"harbour", "derby", "weather"}
    issue.stories.exclude(url=f"{SITE}derby").update(retracted_at=NOON)
    segmentation = segmentation_of(issue, compiled_for(issue))
    assert 1 in (segmentation.keys_for([], None, ["Sport"]) or ())


@pytest.mark.parametrize(("place", "links"), [("none", 0), ("stories", 2), ("end", 2)])
def test_a_mail_asks_for_more_or_less_of_a_topic(relay: StartRelay, place: str, links: int) -> None:
    """Under stories of a topic or at the end, as the newsletter says; not on the web."""
    server, issue = relay(), topical()
    Newsletter.objects.update(topic_links=place)
    ines = subscriber(issue.newsletter)
    planned(issue)
    sender.send_due()
    html = mails(server)[ines.email].get_body(("html",)).get_content()  # type: ignore[union-attr]
    query = f"topic=Harbour&amp;newsletter={issue.newsletter.slug}"
    for change in ("more", "less"):
        assert html.count(f"?change={change}&amp;") == links
        assert html.count(f"?change={change}&amp;{query}") == bool(links)
    issue.refresh_from_db()
    assert "?change=" not in compiled_for(issue).html()


def erase(subscriber_id: int) -> None:
    """Erase as a page does, in one transaction."""
    with transaction.atomic():
        ledger.erase_subscriber(subscriber_id, NOON)
        Subscriber.objects.filter(pk=subscriber_id).delete()


def test_an_erased_subscriber_is_sent_nothing_more_and_the_numbers_stay() -> None:
    """What was waiting is settled, what was sent stays sent, and no row has the subscriber."""
    issue = make_running(5)
    rows = list(Delivery.objects.order_by("pk"))
    ends = [State.QUEUED, State.DEFERRED, State.SENT, State.FAILED, State.UNCERTAIN]
    for row, end in zip(rows, ends, strict=True):
        at = NOON if end in {State.SENT, State.FAILED} else None
        reply = f"<{row.subscriber}>: the relay's words"
        Delivery.objects.filter(pk=row.pk).update(state=end, settled_at=at, reply=reply)
        assert row.subscriber_id
        erase(row.subscriber_id)
    assert [settled_as(row) for row in rows] == [
        (State.SUPPRESSED, chunks.ERASED),
        (State.SUPPRESSED, chunks.ERASED),
        (State.SENT, ""),
        (State.FAILED, ""),
        (State.UNCERTAIN, ""),
    ]
    assert not Delivery.objects.filter(subscriber__isnull=False).exists()
    swept = sweeping.sweep(NOON)
    assert (swept.resent, swept.finished) == (0, [issue])
    assert progress(issue).eligible == progress(issue).settled == 5


def test_other_subscribers_keep_their_deliveries() -> None:
    """An erasure is of one subscriber."""
    issue = make_running(2)
    delivery, other = Delivery.objects.order_by("pk")
    assert delivery.subscriber_id
    erase(delivery.subscriber_id)
    assert [row.id for row in claim_batch(issue, 10, NOON).rows] == [other.pk]


@pytest.mark.parametrize("erased", [0, 1, 2])
def test_a_batch_continues_without_an_erased_subscriber(erased: int) -> None:
    """The worker finds that claim gone, and sends the others."""
    issue = make_running(3)
    batch = claim_batch(issue, 10, NOON)
    erase(batch.rows[erased].subscriber_id)
    left = {row.id for at, row in enumerate(batch.rows) if at != erased}
    assert ledger.recheck(batch, batch.rows, NOON).sendable == left


def test_a_late_reply_about_an_erased_subscriber_changes_nothing() -> None:
    """Whatever it is: there is no subscriber to try again for."""
    issue = make_running()
    batch = claim_batch(issue, 10, NOON)
    [row] = batch.rows
    ledger.record(batch, [(row.id, Outcome(State.UNCERTAIN, None, UNCERTAIN_REPLY))], NOON)
    erase(row.subscriber_id)
    later = Outcome(State.DEFERRED, 451, "later", NOON)
    assert not ledger.record(batch, [(row.id, later)], NOON)
    assert progress(issue).uncertain == 1


def test_rows_of_a_deleted_subscriber_block_no_others() -> None:
    """They are never claimed, and a sweep settles them."""
    issue = make_running(3)
    first = Delivery.objects.order_by("pk")[0]
    assert first.subscriber
    first.subscriber.delete()
    assert len(claim_batch(issue, 1, NOON).rows) == 1
    sweeping.sweep(NOON)
    assert settled_as(first) == (State.SUPPRESSED, chunks.ERASED)


def test_an_issue_of_erased_subscribers_alone_is_not_due() -> None:
    """Otherwise senders would keep starting each other until the next sweep."""
    make_running(1)
    Subscriber.objects.all().delete()
    assert not ledger.due_issues(clock.now()).exists()


@pytest.mark.django_db(transaction=True)
def test_erased_while_the_relay_is_answering(relay: StartRelay) -> None:
    """That mail is sent; the rest of the batch is sent as well."""
    erased = Event()

    def erase_once(address: str) -> None:
        if not erased.is_set():
            erased.set()
            erase(Subscriber.objects.get(email=address).pk)
            connection.close()

    server, issue = relay({"end": erase_once}), make_running(3)
    sender.send_due()
    counted = progress(issue)
    assert (len(server.received), counted.sent, counted.suppressed) == (3, 2, 1)
    assert not Delivery.objects.filter(state=State.QUEUED).exists()


@pytest.mark.django_db(transaction=True)
def test_planning_during_an_erasure_leaves_no_row_behind() -> None:
    """Whoever is gone when their delivery is claimed is nobody's row, and gets nothing."""
    issue = make_issue()
    make_story(issue)
    leaving, staying = (make_subscriber(issue.newsletter) for _ in range(2))
    compiled_for(issue)

    def plan() -> None:
        try:
            planning.plan_built(NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        ledger.erase_subscriber(leaving.pk, NOON)
        pool.submit(plan).result(timeout=10)
        leaving.delete()
    batch = claim_batch(issue, 10, NOON)
    assert [row.subscriber_id for row in batch.rows] == [staying.pk]
    assert batch.suppressed == 1
    assert planned(issue) == {staying, None}
