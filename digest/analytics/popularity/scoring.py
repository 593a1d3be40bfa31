"""From showings of articles in mails, and page views, to one score for each article. Pure.

Steps for clicks: add up an article's clicks, and those that its showings would bring an average
article, by the mails, the position and the newsletter's own rate; take the interest (clicks by
expected clicks) that it has at least, with 95 % confidence, so that three clicks of ten mails do
not win; multiply by what age leaves of its clicks. Then both sources are scaled to 1 for the best
article, and an article's score is the mean of the sources that know it.

Interests of articles are spread around 1 as a gamma distribution, and clicks are Poisson. How far
they are spread is fitted to the publication's own articles (empirical Bayes, the gamma-Poisson
model: W. DuMouchel, Bayesian Data Mining in Large Frequency Tables, 1999).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from digest.analytics.popularity.positions import Curve, share
from digest.analytics.popularity.showing import Showing

NEWSLETTER_CLICKS = 10.0  # how many clicks the publication's rate is worth for each newsletter's
USUAL_STRENGTH = 10.0  # of the prior, in expected clicks
USUAL_WORTH = 30.0**2  # as an article with so many expected clicks, squared
LEAST_STRENGTH, MOST_STRENGTH = 1.0, 100.0
Z = 1.645  # one-sided 95 %


def fading(age: timedelta, half_life: timedelta) -> float:
    """Return what is left after `age`: 1 at once, a half after each half-life."""
    return float(0.5 ** (max(age, timedelta()) / half_life))


def mail_scores(showings: Sequence[Showing], curve: Curve) -> dict[int, float]:
    """Return the faded lower bound of the interest in each article; 1 is an average one."""
    exposures = [row.mails * share(curve, row.position) for row in showings]
    rates = newsletter_rates(showings, exposures)
    clicks, faded = defaultdict[int, float](float), defaultdict[int, float](float)
    expected = defaultdict[int, float](float)
    for row, exposure in zip(showings, exposures, strict=True):
        clicks[row.article_id] += row.clicks
        faded[row.article_id] += row.faded_clicks
        expected[row.article_id] += exposure * rates[row.newsletter_id]
    strength = prior_strength([(clicks[key], expected[key]) for key in expected])
    return {
        key: lower_interest(clicks[key], expected[key], strength) * _rate(faded[key], clicks[key])
        for key in expected
    }


def newsletter_rates(showings: Sequence[Showing], exposures: Sequence[float]) -> dict[int, float]:
    """Return the clicks by exposures of each newsletter; few are drawn to the publication's rate.

    Subscribers of one newsletter click more than those of another, whatever it shows them.
    """
    clicks, exposed = defaultdict[int, float](float), defaultdict[int, float](float)
    for row, exposure in zip(showings, exposures, strict=True):
        clicks[row.newsletter_id] += row.clicks
        exposed[row.newsletter_id] += exposure
    mean = _rate(sum(clicks.values()), sum(exposed.values()))
    if not mean:
        return dict.fromkeys(exposed, 0.0)
    prior = NEWSLETTER_CLICKS / mean
    return {key: (clicks[key] + NEWSLETTER_CLICKS) / (exposed[key] + prior) for key in exposed}


def prior_strength(articles: Sequence[tuple[float, float]]) -> float:
    """Return how many expected clicks the prior is worth, fitted to (clicks, expected clicks).

    By moments: the variance of clicks is `expected + expected² / strength`. A publication with few
    clicks has the usual strength.
    """
    squares = sum(expected**2 for _, expected in articles)
    excess = sum((clicks - expected) ** 2 - expected for clicks, expected in articles)
    fitted = (squares + USUAL_WORTH) / (max(excess, 0.0) + USUAL_WORTH / USUAL_STRENGTH)
    return min(max(fitted, LEAST_STRENGTH), MOST_STRENGTH)


def lower_interest(clicks: float, expected: float, strength: float) -> float:
    """Return the interest that is exceeded with 95 % probability; 0 without a click."""
    return gamma_quantile(strength + clicks) / (strength + expected) if clicks else 0.0


def gamma_quantile(shape: float) -> float:
    """Return the 5 % quantile of a gamma distribution of scale 1 (Wilson and Hilferty, 1931)."""
    return float(shape * (1 - 1 / (9 * shape) - Z / (3 * shape**0.5)) ** 3)


def combine(mail: Mapping[int, float], site: Mapping[int, float]) -> dict[int, float]:
    """Return one score for each article, from 0 to 1, from two sources of different units.

    The site's analytics count all articles, so one that they do not name was not read there. Mails
    show few: one that was in none is judged by the site alone.
    """
    mail, site = _scaled(mail), _scaled(site)
    return {pk: _mean(pk, mail, site) for pk in mail.keys() | site.keys()}


def _mean(pk: int, mail: Mapping[int, float], site: Mapping[int, float]) -> float:
    if not site:
        return mail[pk]
    if pk not in mail:
        return site[pk]
    return (mail[pk] + site.get(pk, 0.0)) / 2


def _scaled(values: Mapping[int, float]) -> dict[int, float]:
    """Return the values as shares of the largest; nothing where all are 0."""
    largest = max(values.values(), default=0.0)
    return {pk: value / largest for pk, value in values.items()} if largest else {}


def _rate(count: float, exposures: float) -> float:
    return count / exposures if exposures else 0.0
