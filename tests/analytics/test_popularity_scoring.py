"""The arithmetic of popularity: position curve, lower bound, fading, combining. Pure."""

from datetime import timedelta

import pytest

from digest.analytics.popularity import positions, scoring
from digest.analytics.popularity.showing import Showing

HOUR = timedelta(hours=1)


def showing(
    article: int, clicks: float, delivered: int = 1_000, position: int = 0, issue: int = 1
) -> Showing:
    """A showing whose clicks came just now."""
    return Showing(article, issue, position, delivered, clicks, clicks)


def test_half_is_left_after_a_half_life() -> None:
    """All at once, a quarter after two; a clock that is behind makes nothing more than it was."""
    ages = [scoring.fading(hours * HOUR, 48 * HOUR) for hours in (-5, 0, 48, 96)]
    assert ages == [1, 1, 0.5, 0.25]


def test_the_quantile_is_that_of_the_tables() -> None:
    """5 % quantiles of chi-squared with 20, 40 and 200 degrees of freedom, halved."""
    quantiles = [scoring.gamma_quantile(shape) for shape in (10, 20, 100)]
    assert quantiles == pytest.approx([10.851 / 2, 26.509 / 2, 168.279 / 2], rel=1e-3)


def test_three_clicks_of_ten_mails_do_not_win() -> None:
    """Although that is 30 %, and 200 of 10,000 are 2 %."""
    rows = [showing(1, 3, delivered=10), showing(2, 200, delivered=10_000, issue=2)]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert scores[2] > scores[1] > 0


def test_without_clicks_there_is_no_score() -> None:
    """Neither for one article, nor where nobody has clicked anything."""
    scores = scoring.mail_scores([showing(1, 0), showing(2, 5)], positions.curve([]))
    assert scores[1] == 0 < scores[2]
    assert scoring.mail_scores([showing(1, 0)], positions.curve([])) == {1: 0}
    assert scoring.mail_scores([showing(1, 0, delivered=0)], positions.curve([])) == {1: 0}


def test_a_place_further_down_is_made_up_for() -> None:
    """As many clicks in the fourth place, with half of the first one's share, are worth more."""
    rows = [showing(1, 100, position=0), showing(2, 100, position=3)]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert positions.usual(3) == 0.5
    # (100 + 10) of 2·1000·… exposures: mean rate 200/1500, prior 75 exposures
    assert scores[2] / scores[1] == pytest.approx((1000 + 75) / (500 + 75))


def test_old_clicks_count_less() -> None:
    """An article whose clicks have faded to a quarter has a quarter of the score."""
    fresh, old = showing(1, 100), showing(2, 100)._replace(faded_clicks=25.0)
    scores = scoring.mail_scores([fresh, old], positions.curve([]))
    assert scores[2] / scores[1] == pytest.approx(0.25)


def test_the_usual_curve_holds_without_data() -> None:
    """Three clicks move it little; positions below the last have the last one's share."""
    assert positions.curve([]) == [positions.usual(at) for at in range(positions.MOST)]
    curve = positions.curve([showing(1, 0, position=0), showing(2, 3, position=1)])
    assert curve[1] == pytest.approx(positions.usual(1), rel=0.1)
    assert positions.share(curve, 5_000) == curve[-1]


def test_the_curve_is_learned_from_many_clicks() -> None:
    """Whatever the interest in an issue: the second place has a fifth of the first one's clicks."""
    true = [1.0, 0.2, 0.1]
    rows = [
        showing(issue * 10 + at, interest * share, position=at, issue=issue)
        for issue, interest in enumerate((4_000, 20_000, 9_000))
        for at, share in enumerate(true)
    ]
    assert positions.curve(rows)[:3] == pytest.approx(true, rel=0.03)


def test_no_share_is_lower_than_the_lowest() -> None:
    """A place that nobody clicks multiplies a click twentyfold at most."""
    rows = [showing(1, 1e6, position=0), showing(2, 0, position=1)]
    assert positions.curve(rows)[1] == positions.LOWEST


def test_mail_and_site_are_combined() -> None:
    """Each scaled to its best; the mean of both, and the site alone for what was in no mail."""
    scores = scoring.combine({1: 0.2, 2: 0.1}, {1: 500.0, 3: 1_000.0})
    assert scores == pytest.approx({1: 0.75, 2: 0.25, 3: 1.0})


def test_one_source_is_enough() -> None:
    """Without page views the mail decides, without clicks the site; without both there is none."""
    assert scoring.combine({1: 0.2, 2: 0.1}, {}) == {1: 1.0, 2: 0.5}
    assert scoring.combine({}, {7: 3.0}) == {7: 1.0}
    assert scoring.combine({1: 0.0}, {}) == {}
