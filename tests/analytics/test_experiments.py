"""Subject tests, from planning to the winner."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from threading import Event
from typing import Any, TypeVar
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.db import connection, transaction

from digest.accounts.models import User
from digest.analytics import judging
from digest.analytics.experiments import deciding
from digest.analytics.recording import visitors
from digest.issues import approval
from digest.issues.errors import IssueError
from digest.issues.experiments import variants
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.sending import ledger, planning
from digest.sending.compiling import compiled_for
from digest.sending.experiments import assigning
from digest.sending.experiments.assigning import split_of
from digest.sending.models import AnyDelivery, Delivery, VariantChoice
from digest.sending.outgoing import SingleRecipient, compose_message
from digest.sending.planning import inserting
from digest.sending.segmentation import segmentation_of
from digest.subscribers.models import Subscriber
from tests.analytics.factories import make_hit, make_link
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.sending.claiming import give_rows

T = TypeVar("T")

OTHER = "Forty seals, and counting"
MINUTE = timedelta(minutes=1)
END = NOON + 60 * MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    """Somebody of the newsroom."""
    return User.objects.create_user("ed@courier.example", password="a long one, for tests")


def make_tested(editor: User, subscribers: int = 40, **fields: Any) -> Issue:
    """An issue that tests another subject on half of its subscribers for an hour.

    Its UUIDs are always the same, and so is who takes part.
    """
    tracking = fields.pop("tracking", "aggregate")
    newsletter = make_newsletter(publication=make_publication(tracking=tracking))
    issue = make_issue(newsletter, uuid=UUID(int=16))
    make_story(issue)
    for number in range(subscribers):
        make_subscriber(newsletter, uuid=UUID(int=number + 1))
    variants.save(issue, None, editor, subjects=[OTHER], share=50, minutes=60)
    return Issue.objects.get(pk=issue.pk)


def mail_to(issue: Issue, subscriber: Subscriber) -> Any:
    """Return a subscriber's mail, parsed."""
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient.of(subscriber, [])
    content = compose_message(issue, to, segmentation, NOON, sign=False).content
    return message_from_bytes(content, policy=policy.default)


def sent(issue: Issue, at: timedelta = MINUTE) -> None:
    """Let everything that is due have been sent."""
    give_rows(issue, NOON + at)
    due = Delivery.objects.filter(issue=issue, due_at__lte=NOON + at)
    due.update(state=Delivery.State.SENT, settled_at=NOON + at)


def click(issue: Issue, choices: list[VariantChoice], *, named: bool) -> None:
    """Let the subscribers of these choices click."""
    link = issue.links.first() or make_link(issue)
    for choice in choices:
        subscriber = Subscriber.objects.get(pk=choice.subscriber_id)
        fields: dict[str, Any] = {"variant": choice.variant}
        if named:
            fields = {"subscriber_id": subscriber.pk}
        make_hit(issue, link, visitor=visitors.of_subscriber(subscriber.uuid), **fields)


def test_half_of_the_list_takes_part_and_the_rest_waits(editor: User) -> None:
    """What the database decided is what each process says of each subscriber."""
    issue = make_tested(editor)
    assert planning.plan_built(NOON) == [issue]
    issue.refresh_from_db()
    split = split_of(Experiment.objects.get(issue=issue))
    assert split
    choices = {row.subscriber_id: row for row in VariantChoice.objects.filter(issue=issue)}
    assert 10 <= len(choices) <= 30
    assert {row.variant for row in choices.values()} == {0, 1}
    assert {row.probability for row in choices.values()} == {0.5}
    for delivery in issue.any_deliveries.select_related("subscriber"):
        assert delivery.subscriber
        choice = choices.get(delivery.subscriber_id or 0)
        assert delivery.at == (issue.slot if choice else END + timedelta(hours=1))
        variant = split.variant_of(delivery.subscriber.uuid)
        assert variant == (choice.variant if choice else 0)
        subject = mail_to(issue, delivery.subscriber)["Subject"]
        assert (subject == OTHER) is (variant == 1)


def test_links_say_the_variant_where_they_name_nobody(editor: User) -> None:
    """And the subscriber where they do; samples have the issue's own subject."""
    issue = make_tested(editor)
    planning.plan_built(NOON)
    issue.refresh_from_db()
    choice = VariantChoice.objects.filter(issue=issue, variant=1).first()
    assert choice
    subscriber = Subscriber.objects.get(pk=choice.subscriber_id)
    text = mail_to(issue, subscriber).get_body(("plain",)).get_content()
    assert "/v1\r\n" in text
    sample = mail_to(issue, Subscriber(pk=0, uuid=subscriber.uuid, email="a@b.example"))
    assert sample["Subject"] == compiled_for(issue).subject


@pytest.mark.parametrize("named", [True, False])
def test_the_winner_goes_to_the_rest(editor: User, named: bool) -> None:  # noqa: FBT001
    """By people who clicked; at once, with the probability of 1."""
    issue = make_tested(editor, 80, tracking="individual" if named else "aggregate")
    planning.plan_built(NOON)
    sent(issue)
    choices = list(VariantChoice.objects.filter(issue=issue))
    click(issue, [row for row in choices if row.variant == 1][:14], named=named)
    click(issue, [row for row in choices if row.variant == 0][:2], named=named)
    judging.judge_due(END + 2 * MINUTE)
    assert deciding.decide_due(END) == []
    [test] = deciding.decide_due(END + 2 * MINUTE)
    assert (test.winner, test.finding) == (1, Experiment.Finding.WINNER)
    assert [row["clickers"] for row in test.results] == [2, 14]
    assert test.results[1]["best"] > 0.95
    rest = VariantChoice.objects.filter(issue=issue, probability=1)
    assert {row.variant for row in rest} == {1}
    assert rest.count() + len(choices) == 80
    waiting = AnyDelivery.objects.filter(issue=issue, state=Delivery.State.QUEUED)
    assert {row.at for row in waiting} == {END + 2 * MINUTE}
    issue.refresh_from_db()
    for delivery in waiting.select_related("subscriber")[:3]:
        assert delivery.subscriber
        assert mail_to(issue, delivery.subscriber)["Subject"] == OTHER
    assert deciding.decide_due(END + 3 * MINUTE) == []


def test_no_difference_keeps_the_own_subject(editor: User) -> None:
    """Nobody clicked."""
    issue = make_tested(editor)
    planning.plan_built(NOON)
    sent(issue)
    [test] = deciding.decide_due(END + 2 * MINUTE)
    assert (test.winner, test.finding) == (0, Experiment.Finding.NO_DIFFERENCE)
    rest = VariantChoice.objects.filter(issue=issue, probability=1)
    assert {row.variant for row in rest} == {0}


def test_those_whose_mail_has_left_got_the_own_subject(editor: User) -> None:
    """Nobody decided in time, so the rest was due; the log says what each of them received."""
    issue = make_tested(editor, 80)
    planning.plan_built(NOON)
    sent(issue)
    choices = list(VariantChoice.objects.filter(issue=issue))
    click(issue, [row for row in choices if row.variant == 1][:14], named=False)
    judging.judge_due(END + 2 * MINUTE)
    rest = Delivery.objects.filter(issue=issue, state=Delivery.State.QUEUED)
    give_rows(issue, END)
    late = list(rest.values_list("subscriber", flat=True)[:5])
    at = END + 61 * MINUTE
    rest.filter(subscriber__in=late).update(state=Delivery.State.SENT, settled_at=at)
    [test] = deciding.decide_due(at)
    assert test.winner == 1
    rows = VariantChoice.objects.filter(issue=issue, probability=1)
    assert {row.subscriber_id for row in rows if row.variant == 0} == set(late)
    assert {row.variant for row in rows if row.subscriber_id not in late} == {1}


def test_it_waits_for_the_judge(editor: User) -> None:
    """Clicks that are not judged are not counted yet; half an hour is patience enough."""
    issue = make_tested(editor, 80)
    planning.plan_built(NOON)
    sent(issue)
    choices = list(VariantChoice.objects.filter(issue=issue, variant=1))
    click(issue, choices[:14], named=False)
    assert deciding.decide_due(END + 2 * MINUTE) == []
    judging.judge_due(END + 3 * MINUTE)
    assert [row.winner for row in deciding.decide_due(END + 3 * MINUTE)] == [1]


def test_it_does_not_wait_for_ever(editor: User) -> None:
    """Where the judge stands still, the rest gets the issue's own subject."""
    issue = make_tested(editor)
    planning.plan_built(NOON)
    sent(issue)
    click(issue, list(VariantChoice.objects.filter(issue=issue)), named=False)
    make_hit(issue, make_link(issue), at=END + MINUTE)  # after the end
    assert deciding.decide_due(END + 29 * MINUTE) == []
    [test] = deciding.decide_due(END + 30 * MINUTE)
    assert test.finding == Experiment.Finding.NO_DIFFERENCE


def test_a_paused_issue_waits(editor: User) -> None:
    """Nothing is decided, and nothing goes out, until it is resumed."""
    make_tested(editor)
    planning.plan_built(NOON)
    Issue.objects.update(state=Issue.State.PAUSED)
    assert deciding.decide_due(END + 2 * MINUTE) == []


def test_planning_again_changes_no_choice(editor: User) -> None:
    """They depend on nothing but the issue and the subscriber."""
    issue = make_tested(editor)
    planning.plan_built(NOON)
    choices = set(VariantChoice.objects.values_list("subscriber_id", "variant"))
    Issue.objects.update(state=Issue.State.BUILT, planned_at=None)
    planning.plan_built(NOON + MINUTE)
    assert set(VariantChoice.objects.values_list("subscriber_id", "variant")) == choices
    assert Experiment.objects.get(issue=issue).decides_at == END + MINUTE


@dataclass
class SlowPlanner:
    """A planner in a thread of its own, which waits after its first step."""

    run: Future[list[Issue]]
    proceed: Event

    def finish(self) -> list[Issue]:
        """Let it plan for the others; return what it opened."""
        self.proceed.set()
        return self.run.result(20)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """Threads for planners and editors; a step has seven subscribers."""
    monkeypatch.setattr(inserting, "STEP", 7)
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def start_slow_planner(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], SlowPlanner]:
    """Start a planner; return when it has planned for its first subscribers."""
    has_begun, proceed = Event(), Event()
    insert_step = inserting.insert_step

    def insert_slowly(plan: inserting.Plan, after: int) -> int | None:
        last = insert_step(plan, after)
        has_begun.set()
        assert proceed.wait(20)
        return last

    def start() -> SlowPlanner:
        monkeypatch.setattr(inserting, "insert_step", insert_slowly)
        run = threads.submit(in_thread, lambda: planning.plan_built(NOON))
        assert has_begun.wait(20)
        monkeypatch.setattr(inserting, "insert_step", insert_step)
        return SlowPlanner(run, proceed)

    return start


def in_thread(work: Callable[[], T]) -> T:
    """Work on a connection of its own."""
    try:
        return work()
    finally:
        connection.close()


def assert_planned(issue: Issue, end: datetime) -> None:
    """Each subscriber has one delivery, due at the slot or after the test, as their choice says."""
    issue.refresh_from_db()
    assert (issue.state, issue.planned_through) == (Issue.State.SENDING, None)
    assert Experiment.objects.get(issue=issue).decides_at == end
    rows = list(AnyDelivery.objects.filter(issue=issue).values_list("subscriber", "at"))
    taking_part = set(
        VariantChoice.objects.filter(issue=issue).values_list("subscriber", flat=True)
    )
    waiting = end + timedelta(hours=1)
    expected = [
        (key, issue.slot if key in taking_part else waiting)
        for key in Subscriber.objects.values_list("pk", flat=True)
    ]
    assert sorted(rows) == sorted(expected)
    assert 0 < len(taking_part) < len(expected)


@pytest.mark.django_db(transaction=True)
def test_a_second_planner_leaves_a_tested_issue_to_the_first(
    editor: User, start_slow_planner: Callable[[], SlowPlanner]
) -> None:
    """It deletes, moves and opens nothing."""
    issue = make_tested(editor)
    planner = start_slow_planner()
    assert planning.plan_built(NOON + MINUTE) == []
    issue.refresh_from_db()
    assert (issue.state, issue.planned_at) == (Issue.State.BUILT, None)
    assert planner.finish() == [issue]
    assert planning.plan_built(NOON + MINUTE) == []
    assert_planned(issue, END)


@pytest.mark.django_db(transaction=True)
def test_an_editor_who_comes_while_it_is_planned_is_too_late(
    editor: User, threads: ThreadPoolExecutor, start_slow_planner: Callable[[], SlowPlanner]
) -> None:
    """They wait for the planner, and neither stops the other."""
    issue = make_tested(editor)
    planner = start_slow_planner()
    save = partial(variants.save, issue, None, editor, subjects=["Late"], share=20, minutes=60)
    saving = threads.submit(in_thread, save)
    with pytest.raises(TimeoutError):
        saving.result(0.2)
    assert planner.finish() == [issue]
    with pytest.raises(IssueError, match="cannot be changed any more"):
        saving.result(20)
    assert_planned(issue, END)


@pytest.mark.django_db(transaction=True)
def test_an_issue_that_somebody_holds_is_planned_later(
    editor: User, threads: ThreadPoolExecutor
) -> None:
    """Whole, and not opened without its subscribers."""
    issue = make_tested(editor)
    compiled_for(issue)  # which waits for whoever holds it
    with transaction.atomic():
        Issue.objects.select_for_update().get(pk=issue.pk)
        assert threads.submit(in_thread, lambda: planning.plan_built(NOON)).result(20) == []
        transaction.set_rollback(True)
    assert not AnyDelivery.objects.filter(issue=issue).exists()
    assert planning.plan_built(NOON + MINUTE) == [issue]
    assert_planned(issue, END + MINUTE)


def test_a_planner_that_is_killed_leaves_nothing_of_a_tested_issue(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an editor changes afterwards holds for everybody."""
    issue = make_tested(editor)
    with monkeypatch.context() as patch:
        patch.setattr(assigning, "choose_variants", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            planning.plan_built(NOON)
    variants.save(issue, None, editor, subjects=[OTHER], share=20, minutes=120)
    assert planning.plan_built(NOON) == [issue]
    assert_planned(issue, NOON + timedelta(hours=2))
    assert VariantChoice.objects.filter(issue=issue).count() < 14  # of 40 at 20 per cent


def test_an_erased_subscriber_leaves_no_choice(editor: User) -> None:
    """Nothing says any more that they took part."""
    issue = make_tested(editor)
    planning.plan_built(NOON)
    subscriber = Subscriber.objects.get(pk=VariantChoice.objects.values_list("subscriber_id")[:1])
    ledger.erase_subscriber(subscriber.pk, NOON)
    subscriber.delete()
    assert not VariantChoice.objects.filter(issue=issue, subscriber_id=subscriber.pk).exists()


def test_a_test_is_content_that_is_approved(editor: User) -> None:
    """Whoever adds a subject after the approval does not send it past the second person."""
    issue = make_tested(editor)
    before = approval.fingerprint(issue)
    variants.save(issue, None, editor, subjects=["Another one"], share=50, minutes=60)
    assert approval.fingerprint(issue) != before
    revision = Issue.objects.get(pk=issue.pk).revision
    assert revision == issue.revision + 1
    variants.remove(issue, None, editor)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"subjects": [" ", ""]}, "one of the two"),
        ({"subjects": ["a", "a"]}, "1 to 3 different subjects"),
        ({"subjects": ["a", "b", "c", "d"]}, "1 to 3 different subjects"),
        ({"subjects": ["x" * 251]}, "at most 250"),
        ({"subjects": ["{{ title }}"]}, "plain text"),
        ({"share": 1}, "2 to 100 per cent"),
        ({"minutes": 5}, "15 minutes to 48 hours"),
    ],
)
def test_what_cannot_be_tested(editor: User, values: dict[str, Any], message: str) -> None:
    """The error says what to change."""
    issue = make_tested(editor, 0)
    options: dict[str, Any] = {"subjects": [OTHER], "share": 50, "minutes": 60} | values
    with pytest.raises(IssueError, match=message):
        variants.save(issue, None, editor, **options)


@pytest.mark.parametrize(
    ("fields", "tracking", "message"),
    [
        ({}, "none", "Clicks are not counted"),
        ({"send_in_local_time": True}, "aggregate", "time zone"),
    ],
)
def test_newsletters_that_cannot_test(
    editor: User, fields: dict[str, Any], tracking: str, message: str
) -> None:
    """Without clicks there is no winner, without a common time no test."""
    publication = make_publication(tracking=tracking)
    issue = make_issue(make_newsletter(publication=publication, **fields))
    with pytest.raises(IssueError, match=message):
        variants.save(issue, None, editor, subjects=[OTHER], share=50, minutes=60)
