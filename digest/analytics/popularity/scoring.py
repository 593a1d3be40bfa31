"""From showings of articles in mails, and page views, to one score for each article. Pure.

Steps for clicks: sum up clicks and exposures (mails, corrected for the position); take the rate
that it has at least, with 95 % confidence, so that three clicks of ten mails do not win; multiply
by what age leaves of its clicks. Then both sources are scaled to 1 for the best article, and an
article's score is the mean of the sources that know it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from digest.analytics.popularity.positions import Curve, share
from digest.analytics.popularity.showing import Showing

PRIOR_CLICKS = 10.0  # how many clicks at the publication's mean rate an article begins with
Z = 1.645  # one-sided 95 %


def fading(age: timedelta, half_life: timedelta) -> float:
    """Return what is left after `age`: 1 at once, a half after each half-life."""
    return float(0.5 ** (max(age, timedelta()) / half_life))


def mail_scores(showings: Sequence[Showing], curve: Curve) -> dict[int, float]:
    """Return the faded lower bound of each article's click rate at the first position."""
    clicks, faded = defaultdict[int, float](float), defaultdict[int, float](float)
    exposures = defaultdict[int, float](float)
    for showing in showings:
        clicks[showing.article_id] += showing.clicks
        faded[showing.article_id] += showing.faded_clicks
        exposures[showing.article_id] += showing.delivered * share(curve, showing.position)
    mean = _rate(sum(clicks.values()), sum(exposures.values()))
    return {
        article_id: lower_rate(clicks[article_id], exposures[article_id], mean)
        * _rate(faded[article_id], clicks[article_id])
        for article_id in exposures
    }


def lower_rate(clicks: float, exposures: float, mean: float) -> float:
    """Return the rate that is exceeded with 95 % probability; 0 without a click.

    Clicks are Poisson, and rates of articles are spread around `mean` as a gamma distribution that
    is worth PRIOR_CLICKS clicks; so is the rate of an article then.
    """
    if not clicks or not mean:
        return 0.0
    shape = clicks + PRIOR_CLICKS
    return gamma_quantile(shape) / (exposures + PRIOR_CLICKS / mean)


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
