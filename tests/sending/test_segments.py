"""Segments decide who gets an issue, and who gets which of its blocks and appeals."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.newsletters import appeals
from digest.newsletters.audiences.models import Segment
from digest.newsletters.choices import BlockKind
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Appeal, Newsletter
from digest.sending import control, ledger, planning, preflight, sender
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.outgoing import compose_sample
from digest.sending.planning import inserting
from digest.sending.segmentation import segmentation_of
from digest.subscribers import attributes, audience, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.sending.test_choices import mails
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
StartRelay = Callable[..., SmtpServer]
SUPPORT, HARBOUR = "https://courier.example/support", "https://courier.example/harbour"


@pytest.fixture
def tide(tide: Newsletter) -> Newsletter:
    """The Morning Tide, whose publication knows who gave."""
    attributes.define(tide.publication, label="Gave", kind="boolean", now=NOON)
    return tide


def segment_of(newsletter: Newsletter, field: str, operator: str, value: object) -> Segment:
    """A segment with one rule."""
    rules = {"rules": [{"field": field, "operator": operator, "value": value}]}
    return saving.create(newsletter.publication, f"{field} {value} {operator}", rules, NOON)


def person(newsletter: Newsletter, tag: str = "", **values: object) -> Subscriber:
    """A subscriber with a tag, or with values."""
    subscriber = make_subscriber(newsletter)
    if tag:
        profiles.add_tag(tag, newsletter.publication_id, [subscriber.pk])
    profiles.set_attributes(subscriber.pk, newsletter.publication_id, values)
    return subscriber


def issue_for(newsletter: Newsletter, part: str, segment: Segment) -> Issue:
    """An issue that is due, and is for a segment itself, in a block, or in an appeal."""
    issue = make_issue(newsletter, slot=LONG_AGO, segment=segment if part == "issue" else None)
    make_story(issue)
    if part == "block":
        content = {"url": HARBOUR, "title": "For our friends"}
        make_block(issue, BlockKind.LINK, content=content, segment=segment)
    if part == "appeal":
        appeal = make_appeal(newsletter.publication, segment=segment)
        make_block(issue, BlockKind.APPEAL, appeal=appeal)
    return issue


def test_an_issue_goes_to_a_segment(tide: Newsletter) -> None:
    """Of its newsletter's subscribers; who leaves the segment before the mail is told why not."""
    friend, other = person(tide, "friend"), person(tide)
    other_subscriber = person(make_newsletter(publication=tide.publication), "friend")
    issue = make_issue(tide, slot=LONG_AGO, segment=segment_of(tide, "tag", "is", "friend"))
    make_story(issue)
    planning.plan_built(NOON)
    assert {row.subscriber for row in issue.any_deliveries.all()} == {friend}
    profiles.remove_tag("friend", tide.publication_id, [friend.pk])
    issue = Issue.objects.select_related("newsletter__publication").get(pk=issue.pk)
    due = segmentation_of(issue, compiled_for(issue)).audience
    assert ledger.claim(issue, 10, NOON, due).rows == []
    row = Delivery.objects.get(issue=issue)
    assert row.state == Delivery.State.SUPPRESSED
    assert row.reply == "The subscriber does not belong to the segment “tag friend is”."
    assert other.pk != other_subscriber.pk


def test_blocks_and_appeals_are_for_segments(
    tide: Newsletter, relay: StartRelay, settings: Settings
) -> None:
    """An appeal for those who did not give; each mail has what its subscriber belongs to."""
    donor, friend, stranger = (
        person(tide, gave=True),
        person(tide, "friend", gave=True),
        person(tide),
    )
    not_given = segment_of(tide, "attribute.gave", "is_not", "yes")
    issue = make_issue(tide, slot=LONG_AGO)
    make_story(issue)
    appeal = make_appeal(tide.publication, segment=not_given)
    make_block(issue, BlockKind.APPEAL, appeal=appeal)
    friends = segment_of(tide, "tag", "is", "friend")
    content = {"url": HARBOUR, "title": "For our friends"}
    make_block(issue, BlockKind.LINK, content=content, segment=friends)
    planning.plan_built(NOON)
    server = relay()
    sender.send_due()
    received = {to: mail.as_string() for to, mail in mails(server).items()}
    contents = {
        subscriber.pk: (
            SUPPORT in received[subscriber.email],
            HARBOUR in received[subscriber.email],
        )
        for subscriber in (donor, friend, stranger)
    }
    assert contents == {
        donor.pk: (False, False),
        friend.pk: (False, True),
        stranger.pk: (True, False),
    }
    preview = compose_sample(issue, friend.email).decode()
    assert (SUPPORT in preview, HARBOUR in preview) == (False, True)
    sample = compose_sample(issue).decode()
    assert (SUPPORT in sample, HARBOUR in sample) == (True, True)


def test_nobody_belongs_to_a_segment_that_cannot_be_read(tide: Newsletter) -> None:
    """Its publication lost a field since: an issue for it goes to nobody, not to everybody."""
    other = make_newsletter(publication=tide.publication, slug="ebb")
    person(tide)
    issue = make_issue(tide, slot=LONG_AGO, segment=segment_of(tide, "newsletter", "is_not", "ebb"))
    make_story(issue)
    segmentation = segmentation_of(issue, compiled_for(issue))
    assert audience.eligible(tide.pk, NOON, segmentation.audience).count() == 1
    other.delete()
    segmentation = segmentation_of(issue, compiled_for(issue))
    assert audience.eligible(tide.pk, NOON, segmentation.audience).count() == 0
    results = preflight.examine(Issue.objects.get(pk=issue.pk), NOON, network=False)
    assert "stop Nobody can be selected for it." in {
        f"{row.level} {row.problem}" for row in results.findings
    }
    planning.plan_built(NOON)
    assert not issue.any_deliveries.exists()
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert "“ebb” is not one of its values" in issue.reason


@pytest.mark.parametrize("part", ["issue", "block", "appeal"])
def test_an_issue_pauses_when_its_segment_cannot_be_read(
    tide: Newsletter, relay: StartRelay, settings: Settings, part: str
) -> None:
    """Nobody is left out for good: with other rules and resumed, it goes to them all."""
    other = make_newsletter(publication=tide.publication, slug="ebb")
    person(tide)
    segment = segment_of(tide, "newsletter", "is_not", "ebb")
    issue = issue_for(tide, part, segment)
    planning.plan_built(NOON)
    other.delete()
    server = relay()
    sender.send_due()
    issue.refresh_from_db()
    assert issue.state == Issue.State.PAUSED
    assert mails(server) == {}
    saving.change(segment, "All", {"rules": []}, NOON)
    control.resume(issue)
    sender.send_due()
    assert len(mails(server)) == 1


@pytest.mark.parametrize("part", ["issue", "block", "appeal"])
def test_the_rules_of_an_issue_that_goes_out_stay(tide: Newsletter, part: str) -> None:
    """It follows those that it was planned by; a name and other segments can change."""
    person(tide, "friend")
    segment, other = (segment_of(tide, "tag", "is", tag) for tag in ("friend", "other"))
    issue = issue_for(tide, part, segment)
    saving.change(segment, "Friends", segment.rules, NOON)
    planning.plan_built(NOON)
    for state in (Issue.State.SENDING, Issue.State.PAUSED):
        Issue.objects.filter(pk=issue.pk).update(state=state)
        with pytest.raises(SubscriberError, match="going out by the present rules"):
            saving.change(segment, "Friends", {"rules": []}, NOON)
        segment.refresh_from_db()
    saving.change(segment, "Good friends", segment.rules, NOON)
    saving.change(other, "Others", {"rules": []}, NOON)
    control.cancel(issue, "Enough.", NOON)
    saving.change(segment, "Good friends", {"rules": []}, NOON)


def test_the_segment_of_an_appeal_that_goes_out_stays(tide: Newsletter) -> None:
    """Its mail goes to those for whom it was planned; its other fields can change."""
    person(tide, "friend")
    issue = issue_for(tide, "appeal", segment_of(tide, "tag", "is", "friend"))
    planning.plan_built(NOON)
    appeal = Appeal.objects.get()
    appeals.change(appeal, now=NOON, weight=5)
    with pytest.raises(NewsletterError, match="is going out with it"):
        appeals.change(appeal, now=NOON, segment=None)
    control.cancel(issue, "Enough.", NOON)
    appeals.change(Appeal.objects.get(), now=NOON, segment=None)


def test_an_issue_that_cannot_be_planned_holds_up_no_other(
    tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again, and without a database nothing goes on."""
    person(tide)
    first, second = (make_issue(tide, slot=LONG_AGO + timedelta(days=day)) for day in (0, 1))
    make_story(first)
    make_story(second)
    insert_step = inserting.insert_step

    def fail(plan: inserting.Plan, after: int) -> int | None:
        if plan.issue == first:
            raise problem
        return insert_step(plan, after)

    monkeypatch.setattr(inserting, "insert_step", fail)
    problem: Exception = OverflowError("date value out of range")
    assert planning.plan_built(NOON) == [second]
    problem = OperationalError("the connection is lost")
    with pytest.raises(OperationalError):
        planning.plan_built(NOON)
    monkeypatch.undo()
    assert planning.plan_built(NOON) == [first]


def test_members_get_the_block_and_others_the_teaser(tide: Newsletter) -> None:
    """Out of one compiled mail; who has no tier is like one who does not pay."""
    publication = tide.publication
    attributes.define(publication, label="Tier", kind="choice", choices=["free", "paid"], now=NOON)
    paid = segment_of(tide, "attribute.tier", "is", "paid")
    unpaid = segment_of(tide, "attribute.tier", "is_not", "paid")
    issue = make_issue(tide)
    make_story(issue)
    for segment, text in ((paid, "The whole analysis"), (unpaid, "Read it as a member")):
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        content = {"document": {"type": "doc", "content": [paragraph]}}
        make_block(issue, kind=BlockKind.TEXT, segment=segment, content=content)
    values_by_tier = {"paid": {"tier": "paid"}, "free": {"tier": "free"}, "none": {}}
    shown_to = {
        tier: ["whole analysis" in mail, "as a member" in mail]
        for tier, values in values_by_tier.items()
        for mail in [compose_sample(issue, person(tide, **values).email).decode()]
    }
    assert shown_to == {"paid": [True, False], "free": [False, True], "none": [False, True]}
