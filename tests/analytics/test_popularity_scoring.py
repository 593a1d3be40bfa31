"""The arithmetic of popularity: position curve, lower bound, fading, combining. Pure."""

import random
from datetime import timedelta

import pytest

from benchmarks import popularity as benchmark
from digest.analytics.popularity import positions, scoring
from digest.analytics.popularity.showing import Showing

HOUR = timedelta(hours=1)


def showing(
    article: int,
    clicks: float,
    mails: float = 1_000,
    position: int = 0,
    issue: int = 1,
    newsletter: int = 1,
) -> Showing:
    """A showing whose clicks came just now."""
    return Showing(article, issue, newsletter, position, mails, clicks, clicks)


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
    rows = [showing(1, 3, mails=10), showing(2, 200, mails=10_000, issue=2)]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert scores[2] > scores[1] > 0


def test_without_clicks_there_is_no_score() -> None:
    """Neither for one article, nor where nobody has clicked anything."""
    scores = scoring.mail_scores([showing(1, 0), showing(2, 5)], positions.curve([]))
    assert scores[1] == 0 < scores[2]
    assert scoring.mail_scores([showing(1, 0)], positions.curve([])) == {1: 0}
    assert scoring.mail_scores([showing(1, 0, mails=0)], positions.curve([])) == {1: 0}


def test_a_place_further_down_is_made_up_for() -> None:
    """As many clicks in the fourth place, with half of the first one's share, are worth more."""
    rows = [showing(1, 100, position=0), showing(2, 100, position=3)]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert positions.usual(3) == 0.5
    # 200 clicks on 1,500 exposures: 1,000 of them would bring an average article 133, 500 half
    expected = [(100, 400 / 3), (100, 200 / 3)]
    strength = scoring.prior_strength(expected)
    assert scores[2] / scores[1] == pytest.approx(
        (strength + 400 / 3) / (strength + 200 / 3), rel=0.01
    )


def test_a_newsletter_that_is_clicked_more_does_not_make_its_stories_popular() -> None:
    """They are compared with what its own subscribers click."""
    rows = [
        *(showing(at, clicks, issue=at) for at, clicks in enumerate((40, 20, 30), 1)),
        *(showing(at, clicks, issue=at, newsletter=2) for at, clicks in ((4, 200), (5, 400))),
    ]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert sorted(scores, key=lambda key: -scores[key])[:2] == [5, 1]
    assert scores[1] > scores[4]


def test_a_story_of_a_small_topic_is_judged_by_the_mails_that_had_it() -> None:
    """As many people of a tenth of the mails clicked it: it is the more popular one by far."""
    rows = [showing(1, 60, mails=5_000), showing(2, 60, mails=500), showing(3, 40, mails=5_000)]
    scores = scoring.mail_scores(rows, positions.curve([]))
    assert sorted(scores, key=lambda key: -scores[key]) == [2, 1, 3]


def test_the_prior_is_as_strong_as_articles_are_alike() -> None:
    """Fitted: clicks as dice throw them say that all are alike, others that they differ."""
    equal = [(90.0, 100.0), (110.0, 100.0)] * 10
    different = [(20.0, 100.0), (180.0, 100.0)] * 10
    assert scoring.prior_strength([]) == scoring.USUAL_STRENGTH
    assert scoring.prior_strength(equal) == scoring.MOST_STRENGTH
    assert scoring.prior_strength(different) == pytest.approx(100**2 / (80**2 - 100), rel=0.02)


def test_a_place_is_judged_by_the_mails_that_had_it() -> None:
    """A tenth of the mails had the second story, and brought a tenth of the first one's clicks."""
    rows = [
        row
        for issue in range(100)
        for row in (
            showing(1, 100, mails=1_000, issue=issue),
            showing(2, 10, mails=100, position=1, issue=issue),
            showing(3, 0, mails=0, position=2, issue=issue),
        )
    ]
    assert positions.curve(rows)[:2] == pytest.approx([1.0, 1.0], rel=0.05)


def test_the_score_agrees_with_what_is_popular_in_truth() -> None:
    """More than the earlier one did, on a simulated publication whose articles' interest is set."""
    publication = benchmark.simulate(random.Random(40))
    overall, small, _ = benchmark.agreement(publication, benchmark.scores(publication))
    before, small_before, _ = benchmark.agreement(
        publication, benchmark.earlier_scores(publication)
    )
    assert max(before, small_before) < 0.7
    assert min(overall, small) > 0.85


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
