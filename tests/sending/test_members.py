"""A newsletter for members goes to the members of its segment, and to nobody else."""

from collections.abc import Callable

import pytest

from digest.issues.models import Issue
from digest.newsletters.audiences.models import Segment
from digest.newsletters.choices import BlockKind
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.sending import ledger, planning, sender
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery
from digest.sending.segmentation import segmentation_of
from digest.subscribers import attributes, audience, profiles
from digest.subscribers.errors import SubscriberError
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.sending.test_choices import mails
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
StartRelay = Callable[..., SmtpServer]
EXTRA, JOIN = "https://courier.example/extra", "https://courier.example/join"


@pytest.fixture
def tide(tide: Newsletter) -> Newsletter:
    """The Morning Tide, whose publication has tiers."""
    choices = ["free", "paid", "patron"]
    attributes.define(tide.publication, label="Tier", kind="choice", choices=choices, now=NOON)
    return tide


def tiers(newsletter: Newsletter, operator: str, *values: str) -> Segment:
    """The subscribers of any of these tiers, or of none of them."""
    rules = [{"field": "attribute.tier", "operator": operator, "value": row} for row in values]
    match = "all" if operator == "is_not" else "any"
    name = f"{operator} {' '.join(values)}"
    return saving.create(newsletter.publication, name, {"match": match, "rules": rules}, NOON)


def member(newsletter: Newsletter, tier: str = "") -> Subscriber:
    """A subscriber of a tier."""
    subscriber = make_subscriber(newsletter)
    if tier:
        profiles.set_attributes(subscriber.pk, newsletter.publication_id, {"tier": tier})
    return subscriber


def test_members_get_it_and_those_whose_tier_ended_do_not(tide: Newsletter) -> None:
    """Not even where it was planned while they were members; *Recipients* says why."""
    paid, patron, free = member(tide, "paid"), member(tide, "patron"), member(tide, "free")
    restricting.set_members(tide, tiers(tide, "is", "paid", "patron"), JOIN)
    issue = make_issue(tide, slot=LONG_AGO)
    make_story(issue)
    planning.plan_built(NOON)
    assert {row.subscriber for row in issue.any_deliveries.all()} == {paid, patron}
    profiles.set_attributes(paid.pk, tide.publication_id, {"tier": "free"})
    issue = Issue.objects.select_related("newsletter__publication").get(pk=issue.pk)
    due = segmentation_of(issue, compiled_for(issue)).audience
    (claimed,) = ledger.claim(issue, 10, NOON, due).rows
    assert claimed.subscriber_id == patron.pk
    row = Delivery.objects.get(issue=issue, subscriber=paid)
    assert row.state == Delivery.State.SUPPRESSED
    assert "does not belong to the segment “is paid patron”" in row.reply
    assert not audience.is_member(free.pk, tide, NOON)
    assert audience.is_member(patron.pk, tide, NOON)
    of_tide = audience.audience_of(tide, NOON)
    assert audience.eligible(tide.pk, NOON, of_tide).count() == 1


def test_an_issue_for_a_segment_of_members_needs_both(tide: Newsletter) -> None:
    """Its own segment narrows that of the newsletter."""
    member(tide, "paid")
    patron = member(tide, "patron")
    restricting.set_members(tide, tiers(tide, "is", "paid", "patron"))
    issue = make_issue(tide, slot=LONG_AGO, segment=tiers(tide, "is_not", "paid"))
    make_story(issue)
    planning.plan_built(NOON)
    assert [row.subscriber for row in issue.any_deliveries.all()] == [patron]


def test_members_get_the_extra_and_the_others_the_teaser(
    tide: Newsletter, relay: StartRelay
) -> None:
    """One compiled mail serves both, and neither has what is for the other."""
    paid, free, unknown = member(tide, "paid"), member(tide, "free"), member(tide)
    issue = make_issue(tide, slot=LONG_AGO)
    make_story(issue)
    for url, segment in ((EXTRA, tiers(tide, "is", "paid")), (JOIN, tiers(tide, "is_not", "paid"))):
        content = {"url": url, "title": "For you"}
        make_block(issue, BlockKind.LINK, content=content, segment=segment, shown_in="mail")
    planning.plan_built(NOON)
    server = relay()
    sender.send_due()
    by_address = {to: mail.as_string() for to, mail in mails(server).items()}
    for subscriber in (paid, free, unknown):
        url, other = (EXTRA, JOIN) if subscriber == paid else (JOIN, EXTRA)
        assert url in by_address[subscriber.email]
        assert other not in by_address[subscriber.email]


def test_whom_it_is_for_stays_while_an_issue_goes_out(tide: Newsletter) -> None:
    """Neither another segment, nor other rules; and a segment in use is not deleted."""
    segment = tiers(tide, "is", "paid")
    member(tide, "paid")
    restricting.set_members(tide, segment)
    issue = make_issue(tide, slot=LONG_AGO)
    make_story(issue)
    planning.plan_built(NOON)
    with pytest.raises(NewsletterError, match="is going out"):
        restricting.set_members(tide, None)
    restricting.set_members(tide, segment, JOIN)
    rules = {"rules": [{"field": "attribute.tier", "operator": "is", "value": "free"}]}
    with pytest.raises(SubscriberError, match="is going out"):
        saving.change(segment, "Members", rules, NOON)
    with pytest.raises(SubscriberError, match="is used by"):
        saving.delete(segment)
    foreign = tiers_of_another()
    with pytest.raises(NewsletterError, match="own publication"):
        restricting.set_members(make_newsletter(), foreign)


def tiers_of_another() -> Segment:
    """A segment of another publication."""
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "vip"}]}
    return saving.create(make_newsletter().publication, "VIP", rules, NOON)
