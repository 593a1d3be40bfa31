"""Segments decide who gets an issue, and who gets which of its blocks and appeals."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.newsletters.audiences.models import Segment
from digest.newsletters.block_fields import BlockKind
from digest.newsletters.models import Newsletter
from digest.sending import ledger, planning, sender
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.outgoing import compose_sample
from digest.sending.segmentation import segmentation_of
from digest.subscribers import attributes, audience, profiles
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
def tide() -> Newsletter:
    """A newsletter whose publication knows who gave."""
    newsletter = make_newsletter()
    attributes.define(newsletter.publication, label="Gave", kind="boolean", now=NOON)
    return newsletter


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


def test_an_issue_goes_to_a_segment(tide: Newsletter) -> None:
    """Of its newsletter's subscribers; who leaves the segment before the mail is told why not."""
    friend, other = person(tide, "friend"), person(tide)
    elsewhere = person(make_newsletter(publication=tide.publication), "friend")
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
    assert other.pk != elsewhere.pk


def test_blocks_and_appeals_are_for_segments(
    tide: Newsletter, relay: StartRelay, settings: Settings
) -> None:
    """An appeal for those who did not give; each mail has what its subscriber belongs to."""
    gave, friend, nobody = person(tide, gave=True), person(tide, "friend", gave=True), person(tide)
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
        for subscriber in (gave, friend, nobody)
    }
    assert contents == {
        gave.pk: (False, False),
        friend.pk: (False, True),
        nobody.pk: (True, False),
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
    planning.plan_built(NOON)
    assert not issue.any_deliveries.exists()
