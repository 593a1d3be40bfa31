"""More or less of a topic: what a subscriber receives then, and how it is undone. Pure."""

import pytest

from digest.subscribers.topics import TopicChange, after

LESS, MORE = TopicChange.LESS, TopicChange.MORE


@pytest.mark.parametrize(
    ("topics", "muted", "change", "expected"),
    [
        ([], [], LESS, ([], ["Harbour"])),
        ([], ["Harbour"], MORE, ([], [])),
        (["Culture", "Harbour"], [], LESS, (["Culture"], ["Harbour"])),
        (["Culture"], ["Harbour"], MORE, (["Culture", "Harbour"], [])),
        ([], ["Harbour"], LESS, ([], ["Harbour"])),
        ([], [], MORE, ([], [])),
        (["Harbour"], [], LESS, ([], ["Harbour"])),
    ],
)
def test_a_change_chooses_or_mutes(
    topics: list[str],
    muted: list[str],
    change: TopicChange,
    expected: tuple[list[str], list[str]],
) -> None:
    """Who chose no topic has none muted or some; who chose some has it among them or not."""
    assert after(tuple(topics), tuple(muted), "Harbour", change) == expected


@pytest.mark.parametrize(
    ("topics", "muted", "change", "opposite"),
    [
        ([], [], LESS, MORE),
        ([], ["Harbour"], MORE, LESS),
        (["Culture", "Harbour"], [], LESS, MORE),
        (["Culture"], ["Harbour"], MORE, LESS),
    ],
)
def test_the_opposite_undoes_it(
    topics: list[str], muted: list[str], change: TopicChange, opposite: TopicChange
) -> None:
    """As if nothing had been changed."""
    changed = after(tuple(topics), tuple(muted), "Harbour", change)
    assert after(tuple(changed[0]), tuple(changed[1]), "Harbour", opposite) == (topics, muted)
