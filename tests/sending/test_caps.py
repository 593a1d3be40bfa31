"""Nobody gets an appeal more often than its cap allows, and whoever had it gets the rest."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from digest.issues.experiments.models import Experiment
from digest.issues.models import Block, Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter
from digest.notices import send
from digest.sending import archiving, planning, progress, resending, sender, uncertain
from digest.sending.appearances import appearances
from digest.sending.experiments import assigning
from digest.sending.models import AppealTally, Delivery, PastDelivery, SentDelivery
from digest.sending.planning import caps, inserting
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.sending.claiming import give_rows
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
START = NOON - 90 * DAY  # every slot is due by the tests' clock
TEXT = b"https://courier.example/support"
State = Delivery.State


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide with three subscribers."""
    newsletter = make_newsletter()
    for _ in range(3):
        make_subscriber(newsletter)
    return newsletter


@pytest.fixture
def appeal(newsletter: Newsletter) -> Appeal:
    """At most twice for a subscriber."""
    return make_appeal(newsletter.publication, cap=2)


@pytest.fixture
def capped_appeal(newsletter: Newsletter) -> Appeal:
    """At most once for a subscriber."""
    return make_appeal(newsletter.publication, cap=1)


@pytest.fixture
def server(relay: Callable[..., SmtpServer]) -> SmtpServer:
    """The installation's mail server."""
    return relay()


def make(newsletter: Newsletter, appeal: Appeal, at: datetime, **fields: Any) -> Issue:
    """An issue that shows the appeal, built and due."""
    issue = make_issue(newsletter, slot=at, **fields)
    make_story(issue)
    make_block(issue, BlockKind.APPEAL, appeal=appeal)
    return issue


def plan(newsletter: Newsletter, appeal: Appeal, at: datetime, **fields: Any) -> Issue:
    """Plan such an issue."""
    issue = make(newsletter, appeal, at, **fields)
    assert planning.plan_built(at) == [issue]
    issue.refresh_from_db()
    return issue


def without(issue: Issue) -> set[int | None]:
    """The subscribers whose mail goes out without an appeal."""
    noted = issue.deliveries.filter(without_appeals__isnull=False)
    return set(noted.values_list("subscriber", flat=True))


def everyone(newsletter: Newsletter) -> set[int]:
    """All its subscribers."""
    return set(newsletter.subscriptions.values_list("subscriber", flat=True))


def mails_with_it(server: SmtpServer) -> Counter[str]:
    """How many mails with the appeal each address received."""
    mails = [mail for mail in server.received if TEXT in mail.data.replace(b"=\r\n", b"")]
    return Counter(mail.recipient for mail in mails)


def test_the_third_issue_goes_out_without_it(
    server: SmtpServer, newsletter: Newsletter, appeal: Appeal
) -> None:
    """In both parts of the mail; somebody who joined later gets it twice as well."""
    late = None
    for day in range(4):
        if day == 2:
            late = make_subscriber(newsletter)
        plan(newsletter, appeal, START + day * DAY)
        sender.send_due()
    assert late is not None
    assert len(server.received) == 3 * 4 + 2
    assert set(mails_with_it(server).values()) == {2}
    assert mails_with_it(server)[late.email] == 2


def test_those_who_had_it_get_the_stories(
    server: SmtpServer, newsletter: Newsletter, capped_appeal: Appeal
) -> None:
    """Only the block is missing."""
    plan(newsletter, capped_appeal, START)
    second = plan(newsletter, capped_appeal, START + DAY)
    sender.send_due()
    story = second.stories.get()
    mails = [mail for mail in server.received if story.url.encode() in mail.data]
    assert len(mails) == 3
    assert sum(mails_with_it(server).values()) == 3


def test_a_cap_within_days_begins_again(newsletter: Newsletter, appeal: Appeal) -> None:
    """Once in two days: every second issue of a daily newsletter."""
    Appeal.objects.update(cap=1, cap_days=2)
    noted = [bool(without(plan(newsletter, appeal, START + day * DAY))) for day in range(5)]
    assert noted == [False, True, False, True, False]


@pytest.mark.parametrize("state", [State.FAILED, State.SUPPRESSED, State.CANCELLED])
def test_what_did_not_arrive_does_not_count(
    newsletter: Newsletter, capped_appeal: Appeal, state: int
) -> None:
    """It was shown to nobody."""
    first = plan(newsletter, capped_appeal, START)
    give_rows(first)
    lucky = first.deliveries.earliest("pk")
    first.deliveries.filter(pk=lucky.pk).update(state=state, settled_at=NOON)
    second = plan(newsletter, capped_appeal, START + DAY)
    assert without(second) == everyone(newsletter) - {lucky.subscriber_id}


def test_what_may_have_arrived_counts(newsletter: Newsletter, capped_appeal: Appeal) -> None:
    """Uncertain, deferred and queued deliveries."""
    first = plan(newsletter, capped_appeal, START)
    give_rows(first)
    rows = list(first.deliveries.order_by("pk"))
    for row, state in zip(rows, (State.UNCERTAIN, State.DEFERRED, State.QUEUED), strict=True):
        first.deliveries.filter(pk=row.pk).update(state=state)
    assert without(plan(newsletter, capped_appeal, START + DAY)) == everyone(newsletter)


@pytest.mark.parametrize("fields", [{"hidden": True}, {"shown_in": "web"}])
def test_an_issue_that_does_not_mail_it_does_not_count(
    newsletter: Newsletter, capped_appeal: Appeal, fields: dict[str, Any]
) -> None:
    """Its block is hidden, or on the web alone."""
    plan(newsletter, capped_appeal, START)
    Block.objects.filter(kind=BlockKind.APPEAL).update(**fields)
    assert not without(plan(newsletter, capped_appeal, START + DAY))


@pytest.mark.parametrize("part", ["segment", "topics"])
def test_an_appeal_that_was_shown_to_some_counts_for_them(
    newsletter: Newsletter, capped_appeal: Appeal, part: str
) -> None:
    """Its block was for a segment, or for topics; others have not had it yet."""
    make_layout_block(newsletter, kind="topic", title="Sea", topics=["sea"])
    make_layout_block(newsletter, kind="topic", title="Land", topics=["land"])
    sea, land, everywhere = newsletter.subscriptions.order_by("pk")
    newsletter.subscriptions.filter(pk__in=[sea.pk, everywhere.pk]).update(topics=["Sea"])
    newsletter.subscriptions.filter(pk=land.pk).update(topics=["Land"])
    rule = {"field": "topic", "operator": "is", "value": "Sea"}
    segment = saving.create(newsletter.publication, "Sea", {"rules": [rule]}, NOON)
    fields = {"segment": segment} if part == "segment" else {"only_topics": ["Sea"]}
    first = make_issue(newsletter, slot=START)
    make_story(first, topics=["Sea", "Land"])
    make_block(first, BlockKind.APPEAL, appeal=capped_appeal, **fields)
    planning.plan_built(START)
    second = make(newsletter, capped_appeal, START + DAY)
    second.stories.update(topics=["Sea", "Land"])
    planning.plan_built(START + DAY)
    assert without(second) == {sea.subscriber_id, everywhere.subscriber_id}
    third = make(newsletter, capped_appeal, START + 2 * DAY)
    third.stories.update(topics=["Sea", "Land"])
    planning.plan_built(START + 2 * DAY)
    assert without(third) == everyone(newsletter)


def test_another_newsletter_counts(newsletter: Newsletter, capped_appeal: Appeal) -> None:
    """The cap is a subscriber's, not a newsletter's."""
    subscriber = Subscriber.objects.earliest("pk")
    other = make_newsletter(publication=newsletter.publication)
    other.subscriptions.create(
        subscriber=subscriber, state="active", created_at=NOON, confirmed_at=NOON
    )
    plan(other, capped_appeal, START)
    assert without(plan(newsletter, capped_appeal, START + DAY)) == {subscriber.pk}


def test_past_deliveries_count(
    relay: Any, newsletter: Newsletter, capped_appeal: Appeal, settings: Any
) -> None:
    """With what they went out without."""
    relay()
    for day in range(2):
        plan(newsletter, capped_appeal, START + day * DAY)
        sender.send_due()
    Issue.objects.update(state=Issue.State.SENT, finished_at=START + DAY)
    settings.DIGEST_ARCHIVE_AFTER_DAYS = 30
    archiving.archive_deliveries(START + 60 * DAY)
    assert PastDelivery.objects.filter(without_appeals=[capped_appeal.pk]).count() == 3
    Appeal.objects.update(cap=2)
    assert not without(plan(newsletter, capped_appeal, START + 60 * DAY))
    assert without(plan(newsletter, capped_appeal, START + 61 * DAY)) == everyone(newsletter)
    assert [row.sent for row in appearances(capped_appeal)] == [0, 0, 0, 3]


def test_a_planner_that_was_killed_leaves_nothing_stale(
    newsletter: Newsletter, capped_appeal: Appeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor puts the appeal into the issue between two planners: all is planned again."""
    plan(newsletter, capped_appeal, START)
    issue = make(newsletter, capped_appeal, START + DAY)
    issue.blocks.filter(kind=BlockKind.APPEAL).update(hidden=True)
    monkeypatch.setattr(inserting, "STEP", 2)
    Experiment.objects.create(issue=issue, subjects=["Other"], share=50, minutes=60)
    with monkeypatch.context() as patch:
        patch.setattr(assigning, "choose_variants", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            planning.plan_built(START + DAY)
    assert not issue.any_deliveries.exists()
    issue.blocks.update(hidden=False)
    Issue.objects.filter(pk=issue.pk).update(revision=2)
    planning.plan_built(START + DAY)
    assert without(issue) == everyone(newsletter)


def test_a_repeated_delivery_and_a_copy_are_the_same_mail(
    server: SmtpServer, newsletter: Newsletter, capped_appeal: Appeal
) -> None:
    """Resending shows the appeal to nobody who had it often enough before that issue."""
    plan(newsletter, capped_appeal, START)
    sender.send_due()
    second = plan(newsletter, capped_appeal, START + DAY)
    sender.send_due()
    assert set(mails_with_it(server).values()) == {1}
    second.deliveries.update(state=State.UNCERTAIN, settled_at=None)
    assert uncertain.resend(second, NOON) == 3
    sender.send_due()
    resending.send_copy(second, Subscriber.objects.earliest("pk"), NOON)
    send.send_due()
    assert len(server.received) == 3 + 3 + 3 + 1
    assert set(mails_with_it(server).values()) == {1}


def test_an_appeal_is_moved_and_still_left_out(
    server: SmtpServer, newsletter: Newsletter, capped_appeal: Appeal
) -> None:
    """The delivery names the appeal, not its place."""
    plan(newsletter, capped_appeal, START)
    issue = make(newsletter, capped_appeal, START + DAY)
    make_block(issue, BlockKind.APPEAL, appeal=make_appeal(newsletter.publication, url=URL))
    planning.plan_built(START + DAY)
    sender.send_due()
    assert sum(mails_with_it(server).values()) == 3
    assert sum(URL.encode() in mail.data.replace(b"=\r\n", b"") for mail in server.received) == 3


URL = "https://courier.example/other"


def test_without_a_cap_nothing_is_noted_and_nothing_asked(
    newsletter: Newsletter, django_assert_max_num_queries: Any
) -> None:
    """One query finds that there is no cap."""
    appeal = make_appeal(newsletter.publication)
    plan(newsletter, appeal, START)
    issue = make(newsletter, appeal, START + DAY)
    with django_assert_max_num_queries(1):
        assert caps.capped_appeals(issue) == []
    planning.plan_built(START + DAY)
    assert not without(issue)


def test_what_ran_where(relay: Any, newsletter: Newsletter, capped_appeal: Appeal) -> None:
    """The latest issue first, with the subscribers whose mail showed it."""
    relay()
    first = plan(newsletter, capped_appeal, START)
    make_subscriber(newsletter)
    second = plan(newsletter, capped_appeal, START + DAY)
    sender.send_due()
    rows = appearances(capped_appeal)
    assert [(row.issue, row.sent) for row in rows] == [(second, 1), (first, 3)]
    progress.compact()
    assert [row.sent for row in appearances(capped_appeal)] == [1, 3]
    Delivery.objects.filter(issue=second, without_appeals__isnull=False).update(state=State.FAILED)
    assert [row.sent for row in appearances(capped_appeal)] == [1, 3]
    Delivery.objects.filter(issue=second).delete()
    SentDelivery.objects.filter(issue=second).delete()
    assert [row.sent for row in appearances(capped_appeal)] == [0, 3]


def test_mails_without_an_appeal_are_summed_up(
    newsletter: Newsletter, appeal: Appeal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each statement records a difference; what many of them add up to becomes a single row."""
    monkeypatch.setattr(progress, "MANY", 2)
    issue = plan(newsletter, appeal, START)
    give_rows(issue)
    rows = Delivery.objects.filter(issue=issue)
    rows.update(without_appeals=[appeal.pk, 7])
    for row in rows:
        rows.filter(pk=row.pk).update(state=State.SENT, settled_at=NOON)
    sums = AppealTally.objects.filter(appeal_id=appeal.pk)
    assert list(sums.values_list("deliveries", flat=True)) == [1, 1, 1]
    progress.compact()
    assert list(sums.values_list("issue_id", "deliveries")) == [(issue.pk, 3)]
    assert [row.sent for row in appearances(appeal)] == [0]
