"""Popularity on simulated publications whose articles have a known interest.

A newsletter for 100,000 subscribers and one for 5,000 who click five times as often; most
subscribers of the large one get all stories, others a topic alone. Editors put what they believe in
first, and are right now and then. Clicks are drawn by (interest) x (share of the position) x (rate
of the newsletter) from the mails that have the story.

Printed is how each way to order articles agrees with their interest: Spearman's rank correlation of
all articles, of those of small topics, and how many of the ten best are found. In turns over the
same publications; medians.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median

import benchmarks._bare  # noqa: F401  Django, connected to nothing
from digest.analytics.popularity import positions, scoring
from digest.analytics.popularity.showing import Showing

PUBLICATIONS = 20
ISSUES = 30  # of each newsletter
STORIES = 12  # of each issue
# By topic: which share of those who chose topics chose it.
TOPICS = {"News": 0.6, "Culture": 0.4, "Sport": 0.3, "Gardens": 0.05, "Chess": 0.02}
SMALL = {"Gardens", "Chess"}
BEST = 10
SPREAD = 0.7  # of the logarithms of interest
EARLIER_PRIOR = 10.0  # clicks, of the earlier score


@dataclass(frozen=True, slots=True)
class Newsletter:
    """Its subscribers, how often they click, and the share of them that chose topics."""

    number: int
    subscribers: int
    rate: float
    choosing: float


NEWSLETTERS = (Newsletter(1, 100_000, 0.004, 0.7), Newsletter(2, 5_000, 0.02, 0.0))


@dataclass(slots=True)
class Publication:
    """What happened, and what is true."""

    showings: list[Showing]
    interests: dict[int, float]
    topics: dict[int, str]
    issue_mails: dict[int, int]


Scores = Mapping[int, float]


def main() -> None:
    """Print the agreement of each way with the truth."""
    ways: dict[str, Callable[[Publication], Scores]] = {
        "clicks": lambda row: _sums(row, lambda showing: showing.clicks),
        "clicks by mails of the issue": _click_rates,
        "earlier score": earlier_scores,
        "score": scores,
    }
    publications = [simulate(random.Random(seed)) for seed in range(PUBLICATIONS)]
    print(f"{'':<30}{'all':>8}{'small topics':>14}{'the best ' + str(BEST):>14}")
    for name, score in ways.items():
        results = [agreement(row, score(row)) for row in publications]
        overall, small, best = (median(column) for column in zip(*results, strict=True))
        print(f"{name:<30}{overall:8.2f}{small:14.2f}{best:14.0f}")


def simulate(dice: random.Random) -> Publication:
    """Send the issues of a month and count clicks."""
    publication = Publication([], {}, {}, {})
    issues = [newsletter for newsletter in NEWSLETTERS for _ in range(ISSUES)]
    for issue_id, newsletter in enumerate(issues):
        _send(publication, newsletter, issue_id, dice)
    return publication


def _send(
    publication: Publication, newsletter: Newsletter, issue_id: int, dice: random.Random
) -> None:
    articles = range(len(publication.interests), len(publication.interests) + STORIES)
    for article in articles:
        publication.interests[article] = dice.lognormvariate(0, SPREAD)
        publication.topics[article] = dice.choice(list(TOPICS))
    believed = {
        key: publication.interests[key] * dice.lognormvariate(0, 2 * SPREAD) for key in articles
    }
    publication.issue_mails[issue_id] = newsletter.subscribers
    for position, article in enumerate(sorted(articles, key=lambda key: -believed[key])):
        chosen = TOPICS[publication.topics[article]]
        share = 1 - newsletter.choosing + newsletter.choosing * chosen
        mails = newsletter.subscribers * share
        rate = newsletter.rate * (position + 1) ** -0.6 * publication.interests[article]
        clicks = _poisson(mails * rate, dice)
        publication.showings.append(
            Showing(article, issue_id, newsletter.number, position, mails, clicks, clicks)
        )


def scores(publication: Publication) -> Scores:
    """Return the score as it is."""
    return scoring.mail_scores(publication.showings, positions.curve(publication.showings))


def earlier_scores(publication: Publication) -> Scores:
    """Return the lower bound of the click rate by all mails of an issue, with a fixed prior."""
    curve = positions.curve(publication.showings)
    clicks = _sums(publication, lambda row: row.clicks)
    exposures = _sums(
        publication,
        lambda row: publication.issue_mails[row.issue_id] * positions.share(curve, row.position),
    )
    prior = EARLIER_PRIOR / (sum(clicks.values()) / sum(exposures.values()))
    return {
        key: scoring.gamma_quantile(clicks[key] + EARLIER_PRIOR) / (exposures[key] + prior)
        if clicks[key]
        else 0.0
        for key in clicks
    }


def agreement(publication: Publication, scored: Scores) -> tuple[float, float, float]:
    """Return the rank correlations, of all and of small topics, and the number of best found.

    That of small topics is between how high their articles rank among all, truly and by score.
    """
    truth = publication.interests
    keys = list(truth)
    small = [key for key in keys if publication.topics[key] in SMALL]
    true_ranks, ranks = _ranks([truth[key] for key in keys]), _ranks([scored[key] for key in keys])
    by_key = dict(zip(keys, zip(true_ranks, ranks, strict=True), strict=True))
    best = set(sorted(keys, key=lambda key: -truth[key])[:BEST])
    named = set(sorted(keys, key=lambda key: -scored[key])[:BEST])
    return (
        _correlation(true_ranks, ranks),
        _correlation(*zip(*(by_key[key] for key in small), strict=True)),
        len(best & named),
    )


def _click_rates(publication: Publication) -> Scores:
    return _sums(publication, lambda row: row.clicks / publication.issue_mails[row.issue_id])


def _sums(publication: Publication, value: Callable[[Showing], float]) -> dict[int, float]:
    sums = defaultdict[int, float](float)
    for row in publication.showings:
        sums[row.article_id] += value(row)
    return sums


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, the mean rank of equal ones."""
    places = defaultdict[float, list[int]](list)
    for place, value in enumerate(sorted(values)):
        places[value].append(place)
    return [mean(places[value]) for value in values]


def _correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Return Pearson's correlation; of ranks, it is Spearman's."""
    a, b = mean(left), mean(right)
    products = sum((x - a) * (y - b) for x, y in zip(left, right, strict=True))
    squares = sum((x - a) ** 2 for x in left) * sum((y - b) ** 2 for y in right)
    return float(products / squares**0.5) if squares else 0.0


def _poisson(expected: float, dice: random.Random) -> int:
    """Draw from a Poisson distribution: how many exponential waits fit."""
    number, passed = 0, dice.expovariate(1)
    while passed < expected:
        number, passed = number + 1, passed + dice.expovariate(1)
    return number


if __name__ == "__main__":
    main()
