"""How many mails of an issue were sent with an appeal or a sponsor."""

import pytest

from digest.issues.models import Block, Issue
from digest.newsletters.choices import BlockKind, ShownIn
from digest.newsletters.models import Appeal, Newsletter
from digest.sending import planning
from digest.sending.appearances import appearances, impressions
from digest.sending.models import AppealReach, Delivery, Tally
from digest.subscribers import profiles
from digest.subscribers.segments import saving
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_layout_block, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def newsletter() -> Newsletter:
    """A newsletter with four subscribers: one is a friend, and one chose Sport."""
    newsletter = make_newsletter()
    make_layout_block(newsletter, kind=BlockKind.TOPIC, title="Sport", topics=["Sport"])
    make_layout_block(newsletter, kind=BlockKind.TOPIC, title="Ferries", topics=["Ferries"])
    friend, sporty, other, _ = [make_subscriber(newsletter) for _ in range(4)]
    profiles.add_tag("friend", newsletter.publication_id, [friend.pk])
    sporty.subscriptions.update(topics=["Sport"])
    other.subscriptions.update(topics=["Ferries"])
    return newsletter


@pytest.fixture
def sponsor(newsletter: Newsletter) -> Appeal:
    """A sponsor without a cap."""
    return make_appeal(newsletter.publication, kind="sponsor", starts_at=LONG_AGO)


@pytest.fixture
def issue(newsletter: Newsletter) -> Issue:
    """An issue that is due, with a story of each topic."""
    issue = make_issue(newsletter, slot=LONG_AGO)
    for topic in ("Sport", "Ferries"):
        make_story(issue, topics=[topic])
    return issue


def friends(newsletter: Newsletter) -> int:
    """The id of the segment of friends."""
    rule = {"field": "tag", "operator": "is", "value": "friend"}
    return saving.create(newsletter.publication, "Friends", {"rules": [rule]}, NOON).pk


def sent_with(issue: Issue, sponsor: Appeal) -> list[int]:
    """Send the issue to all four; return the impressions of its issues, the latest first."""
    assert planning.plan_built(NOON) == [issue]
    Tally.objects.create(issue_id=issue.pk, state=Delivery.State.SENT, deliveries=4)
    numbers = [number for _, number in impressions(sponsor)]
    assert numbers == [row.sent for row in appearances(sponsor)] or numbers == []
    return numbers


def show(issue: Issue, sponsor: Appeal, **fields: object) -> Block:
    """Show the sponsor in a block of the issue."""
    return make_block(issue, BlockKind.SPONSOR, appeal=sponsor, **fields)


def test_a_block_for_everyone_is_in_every_mail(issue: Issue, sponsor: Appeal) -> None:
    """Whatever its other blocks are for; nothing has to be noted for that."""
    show(issue, sponsor)
    assert sent_with(issue, sponsor) == [4]
    assert not AppealReach.objects.exists()


def test_a_block_for_a_segment_is_in_its_members_mails(issue: Issue, sponsor: Appeal) -> None:
    """One of four."""
    show(issue, sponsor, segment_id=friends(issue.newsletter))
    assert sent_with(issue, sponsor) == [1]


def test_a_sponsor_for_a_segment_is_in_its_members_mails(issue: Issue, sponsor: Appeal) -> None:
    """The segment may be the sponsor's own."""
    Appeal.objects.update(segment=friends(issue.newsletter))
    show(issue, sponsor)
    assert sent_with(issue, sponsor) == [1]


def test_a_block_for_topics_is_not_in_mails_of_other_topics(issue: Issue, sponsor: Appeal) -> None:
    """Those without topics get it, as they get all stories."""
    show(issue, sponsor, only_topics=["Sport"])
    assert sent_with(issue, sponsor) == [3]


def test_two_blocks_reach_those_of_either(issue: Issue, sponsor: Appeal) -> None:
    """The friend chose no topics, so one subscriber has neither of them."""
    show(issue, sponsor, segment_id=friends(issue.newsletter))
    show(issue, sponsor, only_topics=["Sport"])
    planning.plan_built(NOON)
    assert AppealReach.objects.get(appeal_id=sponsor.pk).share == 0.75


def test_the_web_version_is_not_a_mail(issue: Issue, sponsor: Appeal) -> None:
    """Nor does a block there count as an issue of the report."""
    show(issue, sponsor, shown_in=ShownIn.WEB)
    assert sent_with(issue, sponsor) == []
    assert [row.sent for row in appearances(sponsor)] == [0]
