"""Selection is a pure function, so it is tested with plain values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.issues.selection import BlockRule, Candidate, Policy, select
from tests.cast import NOON

HOUR = timedelta(hours=1)
LATEST = BlockRule(1, "Latest Stories", "latest", 10)
SEA = BlockRule(2, "Sea", "topic", 2, topics=frozenset({"harbour"}))
PICKED = BlockRule(3, "Editors' Choice", "picked", 3, picks=(1, 5, 30))
POLICY = Policy((LATEST,), 1, 5, 24 * HOUR, 72 * HOUR, "skip", UTC)


def story(
    number: int, hours_ago: float = 1, *topics: str, marked: float | None = None
) -> Candidate:
    """An article that became available some hours before noon."""
    return Candidate(
        number,
        f"Story {number}",
        frozenset(topics),
        NOON - hours_ago * HOUR,
        None if marked is None else NOON - marked * HOUR,
    )


def ids(
    candidates: list[Candidate],
    policy: Policy = POLICY,
    sent: dict[int, datetime] | None = None,
    since: datetime | None = None,
) -> list[int]:
    """Return the ids that go out, in order."""
    chosen = select(candidates, policy, sent or {}, NOON, since)
    return [picked.article_id for picked in chosen.stories]


def why_not(candidates: list[Candidate], sent: dict[int, datetime] | None = None) -> str:
    """Return the reason of the only one left out."""
    [left] = select(candidates, POLICY, sent or {}, NOON).left_out
    return left.reason


def test_the_newest_lead() -> None:
    """Latest first; equal times in the order of ids."""
    assert ids([story(3, 2), story(2, 1), story(1, 2)]) == [2, 1, 3]


def test_a_story_goes_out_once() -> None:
    """However new it still is."""
    sent = {1: NOON - 2 * HOUR}
    assert ids([story(1), story(2)], sent=sent) == [2]
    assert "Already sent on Mon 23 Nov 2026, 10:00 UTC" in why_not([story(1), story(2)], sent)


def test_a_story_marked_as_updated_goes_out_once_more() -> None:
    """Marked after it was sent: again; marked before: not."""
    sent = {1: NOON - 3 * HOUR}
    assert ids([story(1, 5, marked=1)], sent=sent) == [1]
    assert ids([story(1, 5, marked=4)], sent=sent) == []


def test_an_old_story_marked_as_updated_is_new() -> None:
    """The window goes by the mark."""
    assert ids([story(1, 500, marked=1)]) == [1]


def test_a_post_dated_story_waits() -> None:
    """Until its time has come."""
    assert ids([story(1, -1), story(2)]) == [2]
    assert "Not before Mon 23 Nov 2026, 13:00 UTC" in why_not([story(1, -1), story(2)])


def test_a_story_without_a_title_holds_up_no_issue() -> None:
    """A feed's empty item is left out and named; the issue goes out with the others."""
    empty = replace(story(1), title=" ")
    assert ids([empty, story(2)]) == [2]
    assert why_not([empty]) == "It has neither a title nor a text."


def test_an_old_story_is_left_out() -> None:
    """Older than the look-back, however few there are."""
    assert ids([story(1, 25), story(2, 24)]) == [2]
    assert why_not([story(1, 25), story(2)]) == "Older than 24 hours."


def test_a_topic_takes_its_stories_before_latest_but_stands_where_it_stands() -> None:
    """Latest Stories above, the topic below, no story twice."""
    policy = replace(POLICY, blocks=(LATEST, SEA))
    candidates = [story(1, 1, "harbour"), story(2, 2), story(3, 3, "harbour"), story(4, 4)]
    chosen = select(candidates, policy, {}, NOON).stories
    assert [(p.block_id, p.article_id) for p in chosen] == [
        (LATEST.block_id, 2),
        (LATEST.block_id, 4),
        (SEA.block_id, 1),
        (SEA.block_id, 3),
    ]


def test_what_a_topic_has_no_room_for_may_stand_in_latest() -> None:
    """A full topic section loses nothing."""
    policy = replace(POLICY, blocks=(SEA, LATEST))
    assert ids([story(n, n, "harbour") for n in (1, 2, 3)], policy) == [1, 2, 3]


def test_picked_stories_ignore_the_window_and_keep_the_editors_order() -> None:
    """But they don't go out twice either."""
    picked = BlockRule(3, "Editors' Choice", "picked", 10, picks=(9, 8, 7))
    policy = replace(POLICY, blocks=(picked, LATEST))
    candidates = [story(7, 1), story(8, 900), story(9, 800), story(1, 2)]
    assert ids(candidates, policy) == [9, 8, 7, 1]
    assert ids(candidates, policy, sent={8: NOON - 700 * HOUR}) == [9, 7, 1]


@pytest.mark.parametrize(
    ("thin", "expected"), [("widen", [1, 2]), ("wait", []), ("skip", [])], ids=str
)
def test_a_thin_issue_follows_the_policy(thin: str, expected: list[int]) -> None:
    """Widen looks further back; wait and skip say why nothing goes out."""
    policy = replace(POLICY, minimum=2, thin=thin)
    chosen = select([story(1), story(2, 50), story(3, 80)], policy, {}, NOON)
    assert [p.article_id for p in chosen.stories] == expected
    assert bool(chosen.skip) is not bool(expected)


def test_an_issue_still_thin_after_widening_is_skipped() -> None:
    """With the numbers."""
    policy = replace(POLICY, minimum=2, thin="widen")
    chosen = select([story(1), story(2, 80)], policy, {}, NOON)
    assert chosen.skip == "1 new story, at least 2 required, even when looking back 72 hours."


def test_nothing_never_goes_out() -> None:
    """A minimum of none still means one story, looked for as far back as the policy says."""
    policy = replace(POLICY, minimum=0, thin="widen")
    assert select([], policy, {}, NOON).skip.startswith("No new stories")
    assert ids([story(1, 50)], policy) == [1]


@pytest.mark.parametrize(
    ("thin", "reason"),
    [
        ("wait", "It waits for the next issue: there are too few for this one."),
        ("skip", "It would go out, but there are too few for an issue."),
    ],
)
def test_stories_of_a_skipped_issue_are_explained_too(thin: str, reason: str) -> None:
    """An editor reads what becomes of each."""
    chosen = select([story(1)], replace(POLICY, minimum=2, thin=thin), {}, NOON)
    assert [left.reason for left in chosen.left_out] == [reason]


def test_a_full_section_is_named() -> None:
    """The editor reads which maximum to raise."""
    sea = replace(SEA, maximum=1)
    latest = replace(LATEST, maximum=1)
    policy = replace(POLICY, blocks=(sea, latest))
    chosen = select([story(n, n, "harbour") for n in (1, 2, 3)], policy, {}, NOON)
    assert [left.reason for left in chosen.left_out] == [
        "No room: Sea holds 1 and Latest Stories holds 1."
    ]
    chosen = select([story(n, n) for n in (1, 2)], policy, {}, NOON)
    assert [left.reason for left in chosen.left_out] == ["No room: Latest Stories holds 1."]


def test_a_full_issue_is_named() -> None:
    """Where sections had room, the issue had not."""
    chosen = select([story(1), story(2, 2)], replace(POLICY, maximum=1), {}, NOON)
    assert [left.reason for left in chosen.left_out] == ["No room: the issue holds 1."]


def test_a_picked_story_without_room_is_not_called_old() -> None:
    """Its age does not matter."""
    picked = BlockRule(3, "Editors' Choice", "picked", 1, picks=(7, 8))
    policy = replace(POLICY, blocks=(picked, LATEST))
    chosen = select([story(7, 800), story(8, 900)], policy, {}, NOON)
    assert [left.reason for left in chosen.left_out] == ["No room: Editors' Choice holds 1."]


def test_a_story_of_no_section_says_so() -> None:
    """A newsletter of topics only."""
    chosen = select([story(1), story(2, 1, "harbour")], replace(POLICY, blocks=(SEA,)), {}, NOON)
    assert [left.reason for left in chosen.left_out] == ["No block takes it."]


def test_a_mark_from_the_future_does_not_count() -> None:
    """Clocks differ; a story that is marked tomorrow must not go out at every slot until then."""
    assert ids([story(1, 5, marked=-24)], sent={1: NOON - HOUR}) == []


def test_stories_kept_for_later_are_not_too_old_for_the_next_issue() -> None:
    """The window reaches back to the last issue that went out."""
    assert ids([story(1, 40)], since=NOON - 48 * HOUR) == [1]


candidates_strategy = st.lists(
    st.builds(
        story,
        st.integers(1, 12),
        st.floats(-30, 100),
        st.sampled_from(["harbour", "sport", ""]),
        marked=st.none() | st.floats(-5, 90),
    ),
    unique_by=lambda candidate: candidate.article_id,
)
sent_strategy = st.dictionaries(
    st.integers(1, 12), st.integers(0, 90).map(lambda hours: NOON - hours * HOUR)
)
policy_strategy = st.builds(
    Policy,
    st.lists(
        st.sampled_from(
            [LATEST, SEA, BlockRule(3, "Editors' Choice", "picked", 3, picks=(1, 5, 30))]
        ),
        unique=True,
    ).map(tuple),
    st.integers(0, 4),
    st.integers(1, 6),
    st.just(24 * HOUR),
    st.just(72 * HOUR),
    st.sampled_from(["widen", "wait", "skip"]),
    st.just(UTC),
)


since_strategy = st.none() | st.integers(0, 200).map(lambda hours: NOON - hours * HOUR)


@given(candidates_strategy, policy_strategy, sent_strategy, since_strategy, st.randoms())
def test_whatever_comes_in_the_promises_hold(
    candidates: list[Candidate],
    policy: Policy,
    sent: dict[int, datetime],
    since: datetime | None,
    random: object,
) -> None:
    """Nobody twice, nothing early, no more than fit, a reason for everyone, order of no matter."""
    chosen = select(candidates, policy, sent, NOON, since)
    out = [picked.article_id for picked in chosen.stories]
    by_id = {candidate.article_id: candidate for candidate in candidates}
    assert len(out) == len(set(out)) <= policy.maximum
    for article_id in out:
        marked = by_id[article_id].marked_updated_at
        assert by_id[article_id].available_at <= NOON
        assert article_id not in sent or (marked is not None and sent[article_id] < marked <= NOON)
    for block in policy.blocks:
        assert [p.block_id for p in chosen.stories].count(block.block_id) <= block.maximum
    assert bool(chosen.stories) is not bool(chosen.skip)
    explained = [left.article_id for left in chosen.left_out] + out
    assert sorted(explained) == sorted(by_id)
    assert all(left.reason for left in chosen.left_out)
    assert all(picked.reason for picked in chosen.stories)
    shuffled = sorted(candidates, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert select(shuffled, policy, sent, NOON, since) == chosen
