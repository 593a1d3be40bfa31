"""Whose turn it is among appeals and sponsors."""

from collections import Counter
from datetime import timedelta

import pytest

from digest.issues.composing import blocks_of
from digest.issues.messages import Candidate, choose
from digest.issues.models import Issue
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter
from tests.cast import NOON, make_appeal, make_block, make_issue, make_layout_block, make_newsletter

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def add(newsletter: Newsletter, name: str, **fields: object) -> Appeal:
    """Add an appeal that has been running for a day."""
    return make_appeal(newsletter.publication, name=name, **{"starts_at": NOON - DAY} | fields)


def build(newsletter: Newsletter, day: int, cadence: str = "every") -> list[str]:
    """Save the issue of a day with its blocks; return what it shows."""
    at = NOON + day * DAY
    issue = make_issue(newsletter, slot=at, cadence=cadence, state=Issue.State.SENT)
    blocks = blocks_of(issue, at)
    for block in blocks:
        block.save()
    return [str(block.appeal) for block in blocks if block.appeal]


def candidate(number: int, weight: int = 1, times: int = 0) -> Candidate:
    """A candidate of the usual priority."""
    return Candidate(number, 0, weight, times, None, is_spent=False)


def test_shares_come_out_right_at_any_time() -> None:
    """Of 5, 3 and 1 in nine, each is never more than one away from its share."""
    weights, times = {1: 5, 2: 3, 3: 1}, Counter[int]()
    for total in range(1, 91):
        row = choose(candidate(pk, weight, times[pk]) for pk, weight in weights.items())
        assert row is not None
        times[row.appeal_id] += 1
        assert all(abs(times[pk] - total * weight / 9) <= 1 for pk, weight in weights.items())
    assert times == {1: 50, 2: 30, 3: 10}


def test_nothing_is_chosen_from_nothing() -> None:
    """The block is left out then."""
    assert choose([]) is None


def test_weights_hold_over_many_issues(newsletter: Newsletter) -> None:
    """Three to one; the history is that of the issues before."""
    add(newsletter, "Often", weight=3)
    add(newsletter, "Seldom")
    names = Counter(name for day in range(16) for name in build(newsletter, day))
    assert names == {"Often": 12, "Seldom": 4}


def test_a_newcomer_does_not_catch_up(newsletter: Newsletter) -> None:
    """It takes turns from its start on."""
    add(newsletter, "Old")
    for day in range(5):
        build(newsletter, day)
    add(newsletter, "New", starts_at=NOON + 5 * DAY)
    names = [build(newsletter, day) for day in range(5, 9)]
    assert names == [["New"], ["Old"], ["New"], ["Old"]]


def test_the_highest_priority_goes_first(newsletter: Newsletter) -> None:
    """Whatever the weights, as long as it runs."""
    add(newsletter, "Usual", weight=100)
    add(newsletter, "Urgent", priority=1, ends_at=NOON + 2 * DAY)
    assert [build(newsletter, day) for day in range(3)] == [["Urgent"], ["Urgent"], ["Usual"]]


@pytest.mark.parametrize(
    "fields",
    [
        {"paused": True},
        {"starts_at": NOON + DAY},
        {"ends_at": NOON},
        {"kind": "sponsor"},
    ],
)
def test_what_may_not_run_is_not_shown(newsletter: Newsletter, fields: dict[str, object]) -> None:
    """Paused, not begun, ended, or for another kind of block."""
    add(newsletter, "Not now", **fields)
    assert build(newsletter, 0) == []


def test_it_runs_in_the_newsletters_that_it_names(newsletter: Newsletter) -> None:
    """In all of its publication if it names none, and never in another publication's."""
    other = make_newsletter(publication=newsletter.publication)
    appeal = add(newsletter, "Here")
    assert (build(newsletter, 0), build(other, 0)) == (["Here"], ["Here"])
    appeal.newsletters.add(newsletter)
    assert (build(newsletter, 1), build(other, 1)) == (["Here"], [])
    assert build(make_newsletter(), 0) == []


def test_each_is_shown_once_in_an_issue(newsletter: Newsletter) -> None:
    """A second block of the kind shows the next one, or is left out."""
    make_layout_block(newsletter, kind=BlockKind.APPEAL)
    make_layout_block(newsletter, kind=BlockKind.SPONSOR)
    add(newsletter, "One")
    assert build(newsletter, 0) == ["One"]
    add(newsletter, "Two")
    add(newsletter, "Acme", kind="sponsor", label="Sponsored by")
    assert sorted(build(newsletter, 1)) == ["Acme", "One", "Two"]


def test_a_block_that_was_hidden_was_no_turn(newsletter: Newsletter) -> None:
    """Nobody has seen it."""
    hidden_appeal = add(newsletter, "One")
    add(newsletter, "Two")
    hidden = make_issue(newsletter, slot=NOON)
    make_block(hidden, BlockKind.APPEAL, appeal=hidden_appeal, hidden=True)
    assert build(newsletter, 1) == ["One"]


def test_a_spent_one_makes_room(newsletter: Newsletter) -> None:
    """Once it has run as often as its cap, another takes over; alone it is for newcomers."""
    add(newsletter, "Twice", priority=5, cap=2)
    assert [build(newsletter, day) for day in range(3)] == [["Twice"]] * 3
    Issue.objects.all().delete()
    add(newsletter, "Always")
    names = [build(newsletter, day)[0] for day in range(4)]
    assert names == ["Twice", "Twice", "Always", "Always"]


def test_a_cap_of_days_is_over_with_the_days(newsletter: Newsletter) -> None:
    """Once in three days means every third issue of a daily newsletter."""
    add(newsletter, "Seldom", priority=5, cap=1, cap_days=3)
    add(newsletter, "Always")
    names = [build(newsletter, day)[0] for day in range(7)]
    assert names == ["Seldom", "Always", "Always", "Seldom", "Always", "Always", "Seldom"]
