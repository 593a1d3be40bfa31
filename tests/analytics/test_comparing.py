"""How certain it is that one subject is better than another."""

import random

import pytest

from digest.analytics.experiments.comparing import Arm, compare, probabilities_of_best


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ([Arm(0, 0), Arm(0, 0)], 0.5),
        ([Arm(1000, 50), Arm(1000, 50)], 0.5),
        # By the closed form of two Beta distributions, P(second > first).
        ([Arm(0, 0), Arm(1, 1)], 2 / 3),
        ([Arm(1, 0), Arm(1, 1)], 5 / 6),
    ],
)
def test_right_values(arms: list[Arm], expected: float) -> None:
    """The probability that the second is best."""
    assert probabilities_of_best(arms)[1] == pytest.approx(expected, abs=0.001)


def test_the_same_as_by_dice() -> None:
    """Three variants, against a hundred thousand draws of their rates."""
    arms = [Arm(900, 45), Arm(900, 60), Arm(900, 66)]
    dice, wins, draws = random.Random(15), [0, 0, 0], 100_000
    for _ in range(draws):
        rates = [dice.betavariate(1 + a.clickers, 1 + a.mails - a.clickers) for a in arms]
        wins[rates.index(max(rates))] += 1
    for exact, number in zip(probabilities_of_best(arms), wins, strict=True):
        assert exact == pytest.approx(number / draws, abs=0.006)


def test_a_large_list_decides_small_differences() -> None:
    """Densities of half a million mails do not overflow."""
    result = compare([Arm(500_000, 25_000), Arm(500_000, 25_700)])
    assert result.winner == 1
    assert sum(result.best) == pytest.approx(1)


def test_no_difference_is_an_answer() -> None:
    """Five of 100 against eight of 100 says little."""
    result = compare([Arm(100, 5), Arm(100, 8)])
    assert result.winner is None
    assert 0.75 < result.best[1] < 0.85


def test_the_own_subject_may_win() -> None:
    """Variant 0."""
    assert compare([Arm(1000, 90), Arm(1000, 50)]).winner == 0


def test_few_clickers_decide_nothing() -> None:
    """Even if they are all of one variant."""
    assert compare([Arm(20, 0), Arm(20, 9)]).winner is None
    assert compare([Arm(20, 0), Arm(20, 10)]).winner == 1


def test_more_clickers_than_mails_are_all_of_them() -> None:
    """A person with a phone and a desk is two, where nobody is named."""
    assert compare([Arm(10, 12), Arm(10, 1)]).winner == 0
