"""Experiments with lead stories, from setting one up to the winner; and what may happen to them."""

from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any
from uuid import UUID

import pytest

from digest.accounts.models import User
from digest.analytics import judging
from digest.analytics.errors import ExperimentError
from digest.analytics.experiments import deciding, reporting
from digest.core import clock
from digest.issues import approval, editing, retracting
from digest.issues.errors import IssueError
from digest.issues.experiments import variants
from digest.issues.experiments.models import Experiment
from digest.issues.models import Issue
from digest.sending import control, planning
from digest.sending.compiling import compiled_for
from digest.sending.models import Delivery, VariantChoice
from digest.sending.outgoing import SingleRecipient, compose_message, compose_sample
from digest.sending.segmentation import segmentation_of
from digest.subscribers.models import Subscriber
from tests.analytics.factories import make_hit, make_link
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter, make_publication
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.sending.claiming import give_rows

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
END = NOON + HOUR
TITLES = ("Dredging vote", "Forty seals", "The last ferry")
Finding = Experiment.Finding

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    """Somebody of the newsroom."""
    return User.objects.create_user("ed@courier.example", password="a long one, for tests")


@pytest.fixture
def issue(editor: User) -> Issue:
    """An issue that tests its third story as the lead on half of 80 subscribers for an hour.

    Its UUIDs are always the same, and so is who takes part.
    """
    newsletter = make_newsletter(publication=make_publication(tracking="aggregate"))
    issue = make_issue(newsletter, uuid=UUID(int=16))
    stories = [make_story(issue, title=title) for title in TITLES]
    for number in range(80):
        make_subscriber(newsletter, uuid=UUID(int=number + 1))
    variants.save(issue, None, editor, leads=[stories[2].pk], share=50, minutes=60)
    return Issue.objects.get(pk=issue.pk)


def first_in(content: bytes) -> str:
    """Return which story a mail's text has first."""
    message: Any = message_from_bytes(content, policy=policy.default)
    text = message.get_body(("plain",)).get_content()
    return min(TITLES, key=lambda title: text.index(title) if title in text else len(text))


def lead_of(issue: Issue, subscriber: Subscriber) -> str:
    """Return which story stands first in a subscriber's mail."""
    issue = Issue.objects.get(pk=issue.pk)
    segmentation = segmentation_of(issue, compiled_for(issue))
    to = SingleRecipient.of(subscriber, [])
    return first_in(compose_message(issue, to, segmentation, NOON, sign=False).content)


def send(issue: Issue) -> None:
    """Let everything that is due at noon have been sent."""
    give_rows(issue, NOON + MINUTE)
    due = Delivery.objects.filter(issue=issue, due_at__lte=NOON + MINUTE)
    due.update(state=Delivery.State.SENT, settled_at=NOON + MINUTE)


def click(issue: Issue, variant: int, clickers: int) -> None:
    """Let some of those who got a variant click."""
    choices = VariantChoice.objects.filter(issue=issue, variant=variant, probability__lt=1)
    link = issue.links.first() or make_link(issue)
    for choice in choices[:clickers]:
        make_hit(issue, link, visitor=choice.subscriber_id, variant=variant)


def waiting(issue: Issue) -> set[Any]:
    """Return when those who do not take part are due."""
    taking_part = VariantChoice.objects.filter(issue=issue, probability__lt=1)
    rest = issue.any_deliveries.exclude(subscriber__in=taking_part.values("subscriber"))
    return set(rest.values_list("at", flat=True))


def result(issue: Issue) -> Experiment:
    """Return the issue's experiment as it is stored."""
    return Experiment.objects.get(issue=issue)


def test_the_best_lead_goes_to_the_rest(issue: Issue) -> None:
    """Each subscriber's mail has the lead that was chosen for them, by equal chances."""
    planning.plan_built(NOON)
    choices = {row.subscriber_id: row for row in VariantChoice.objects.filter(issue=issue)}
    assert {row.probability for row in choices.values()} == {0.5}
    for subscriber in Subscriber.objects.all()[:20]:
        choice = choices.get(subscriber.pk)
        is_other = choice is not None and choice.variant == 1
        assert lead_of(issue, subscriber) == (TITLES[2] if is_other else TITLES[0])
    send(issue)
    click(issue, 1, 14)
    click(issue, 0, 2)
    judging.judge_due(END + 2 * MINUTE)
    [experiment] = deciding.decide_due(END + 2 * MINUTE)
    assert (experiment.finding, experiment.winner) == (Finding.WINNER, 1)
    assert waiting(issue) == {END + 2 * MINUTE}
    rest = Subscriber.objects.exclude(pk__in=choices)
    assert {lead_of(issue, subscriber) for subscriber in rest[:4]} == {TITLES[2]}


def test_previews_and_pages(issue: Issue) -> None:
    """A preview shows each variant before anything is sent; the archive has the issue as it is."""
    assert first_in(compose_sample(issue)) == TITLES[0]
    assert first_in(compose_sample(issue, variant=1)) == TITLES[2]
    text = compiled_for(issue).text()
    assert [text.count(title) for title in TITLES] == [1, 1, 1]


def test_links_of_a_place_are_of_its_block(issue: Issue) -> None:
    """A story has a link in each place where it may stand; the statistics show where it did."""
    compiled_for(issue)
    lead, latest = issue.blocks.order_by("position")
    by_block = {
        (link.block_id, link.story.title) for link in issue.links.all() if link.story is not None
    }
    assert by_block == {
        *((lead.pk, TITLES[0]), (lead.pk, TITLES[2])),
        *((latest.pk, title) for title in TITLES),
    }


def test_it_is_approved_with_the_issue(issue: Issue, editor: User) -> None:
    """Another lead is other content; a story that goes takes its variant out of it."""
    before = approval.fingerprint(issue)
    second, third = issue.stories.order_by("position")[1:]
    variants.save(issue, None, editor, leads=[second.pk], share=50, minutes=60)
    assert approval.fingerprint(issue) != before
    variants.save(issue, None, editor, leads=[third.pk], share=50, minutes=60)
    assert approval.fingerprint(issue) == before


def test_a_story_that_is_gone_is_not_tested(issue: Issue, editor: User) -> None:
    """Its variant is left out when the issue is planned; with no other, nothing is tested."""
    second, third = issue.stories.order_by("position")[1:]
    variants.save(issue, None, editor, leads=[second.pk, third.pk], share=50, minutes=60)
    editing.remove(issue, None, second.pk, editor)
    report = reporting.report_of(issue)
    assert report
    assert report.variants[1].label == reporting.MISSING
    planning.plan_built(NOON)
    assert result(issue).leads == [third.pk]
    assert set(VariantChoice.objects.values_list("variant", flat=True)) == {0, 1}


def test_without_a_story_to_test_everyone_gets_the_issue(issue: Issue, editor: User) -> None:
    """At once; the experiment says why."""
    third = issue.stories.order_by("position")[2]
    editing.remove(issue, None, third.pk, editor)
    planning.plan_built(NOON)
    experiment = result(issue)
    assert (experiment.finding, experiment.winner) == (Finding.STOPPED, 0)
    assert "not in the issue any more" in experiment.reason
    assert waiting(issue) == {NOON}
    assert not VariantChoice.objects.exists()
    assert deciding.decide_due(END + HOUR) == []


def test_publications_that_stop_counting_stop_the_test(issue: Issue) -> None:
    """Before it has begun: nobody waits for clicks that are not counted."""
    publication = issue.newsletter.publication
    publication.tracking = "none"
    publication.save()
    planning.plan_built(NOON)
    assert "Clicks are not counted" in result(issue).reason
    assert waiting(issue) == {NOON}


@pytest.mark.parametrize("place", [0, 2])
def test_retracting_a_tested_story_stops_it(issue: Issue, editor: User, place: int) -> None:
    """The rest gets the issue as it is at once, without that story."""
    planning.plan_built(NOON)
    send(issue)
    assert deciding.decide_due(NOON + MINUTE) == []
    story = issue.stories.order_by("position")[place]
    retracting.retract(issue, story.pk, "It was wrong.", NOON + MINUTE, editor)
    [experiment] = deciding.decide_due(NOON + 2 * MINUTE)
    assert (experiment.finding, experiment.winner) == (Finding.STOPPED, 0)
    assert waiting(issue) == {NOON + 2 * MINUTE}
    choices = VariantChoice.objects.filter(probability__lt=1)
    rest = Subscriber.objects.exclude(pk__in=choices.values("subscriber"))
    assert lead_of(issue, rest[0]) == (TITLES[1] if place == 0 else TITLES[0])


def test_retracting_another_story_does_not(issue: Issue, editor: User) -> None:
    """The variants keep their leads."""
    planning.plan_built(NOON)
    story = issue.stories.order_by("position")[1]
    retracting.retract(issue, story.pk, "It was wrong.", NOON + MINUTE, editor)
    assert deciding.decide_due(NOON + 2 * MINUTE) == []


def test_a_pause_makes_it_longer(issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was left of it is left when the issue goes on, and the rest waits as long."""
    planning.plan_built(NOON)
    send(issue)
    issue.refresh_from_db()
    monkeypatch.setattr(clock, "now", lambda: NOON + 20 * MINUTE)
    control.pause(issue)
    assert deciding.decide_due(NOON + 5 * HOUR) == []
    report = reporting.report_of(issue)
    assert report
    assert "The issue is paused, and the experiment with it." in report.status
    monkeypatch.setattr(clock, "now", lambda: NOON + 20 * MINUTE + 5 * HOUR)
    control.resume(issue)
    assert result(issue).decides_at == END + 5 * HOUR
    assert waiting(issue) == {END + 6 * HOUR}
    assert deciding.decide_due(END + 4 * HOUR) == []
    [experiment] = deciding.decide_due(END + 5 * HOUR + 2 * MINUTE)
    assert experiment.finding == Finding.NO_DIFFERENCE


def test_a_cancelled_issue_is_not_decided(issue: Issue) -> None:
    """There is no rest any more, and the report says so."""
    planning.plan_built(NOON)
    issue.refresh_from_db()
    control.cancel(issue, "Enough.", NOON + MINUTE)
    assert deciding.decide_due(END + HOUR) == []
    report = reporting.report_of(issue)
    assert report
    assert "cancelled before" in report.status


def test_all_subscribers_may_take_part(issue: Issue, editor: User) -> None:
    """The issue is sent before the clicks are counted, and is decided all the same."""
    lead = issue.stories.order_by("position")[2]
    variants.save(issue, None, editor, leads=[lead.pk], share=100, minutes=60)
    planning.plan_built(NOON)
    assert VariantChoice.objects.count() == 80
    send(issue)
    Issue.objects.update(state=Issue.State.SENT, finished_at=NOON + 5 * MINUTE)
    click(issue, 1, 30)
    judging.judge_due(END + 2 * MINUTE)
    [experiment] = deciding.decide_due(END + 2 * MINUTE)
    assert (experiment.finding, experiment.winner) == (Finding.WINNER, 1)
    report = reporting.report_of(issue)
    assert report
    assert "All subscribers had taken part." in report.status


def test_a_person_ends_it_early(issue: Issue, editor: User) -> None:
    """Whatever the numbers say; they are kept, and it cannot be ended twice."""
    planning.plan_built(NOON)
    send(issue)
    with pytest.raises(ExperimentError, match="no variant 2"):
        deciding.choose(issue, 2, editor, NOON + MINUTE)
    experiment = deciding.choose(issue, 1, editor, NOON + MINUTE)
    assert (experiment.finding, experiment.winner) == (Finding.CHOSEN, 1)
    assert experiment.decided_by == editor
    assert sum(row["mails"] for row in experiment.results) == (
        VariantChoice.objects.filter(probability__lt=1).count()
    )
    assert waiting(issue) == {NOON + MINUTE}
    with pytest.raises(ExperimentError, match="No experiment"):
        deciding.choose(issue, 0, editor, NOON + MINUTE)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([], "one of the two"),
        ([0], "tested anyway"),
        ([1, 1], "different stories"),
        ([7], "a story of the issue"),
    ],
)
def test_what_cannot_lead(issue: Issue, editor: User, places: list[int], message: str) -> None:
    """The error says what to choose."""
    ids = dict(enumerate(issue.stories.order_by("position").values_list("pk", flat=True)))
    leads = [ids.get(place, 0) for place in places]
    with pytest.raises(IssueError, match=message):
        variants.save(issue, None, editor, leads=leads, share=50, minutes=60)


def test_stories_of_hidden_blocks_cannot_lead(issue: Issue, editor: User) -> None:
    """Nor those that only the web page shows."""
    issue.blocks.filter(kind="latest").update(shown_in="web")
    pk = issue.stories.order_by("position")[2].pk
    with pytest.raises(IssueError, match="a story of the issue"):
        variants.save(issue, None, editor, leads=[pk], share=50, minutes=60)


def test_an_issue_outside_the_schedule_may_test(editor: User) -> None:
    """It goes to all at once, whatever their time zones."""
    publication = make_publication(tracking="aggregate")
    newsletter = make_newsletter(publication=publication, send_in_local_time=True)
    issue = make_issue(newsletter, kind=Issue.Kind.MANUAL)
    first, second = make_story(issue), make_story(issue)
    assert first.position < second.position
    experiment = variants.save(issue, None, editor, leads=[second.pk], share=50, minutes=60)
    assert experiment.variants == 2
