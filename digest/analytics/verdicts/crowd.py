"""Whether a data centre requested a link just when a person clicked it, where links name nobody.

Gateways check a link at the moment when somebody clicks it, from a network of their own. Where
links name nobody, that somebody is another visitor. On a link that few people click at the time, a
click so near is not a coincidence; on a busy link it says nothing, and the request stays a
person's.
"""

from collections.abc import Iterable
from typing import NamedTuple

from digest.analytics.verdicts.networks import NetworkClass
from digest.analytics.verdicts.reasons import Reason

# Seconds before and after the request within which the person's click comes: the check comes first
# where it holds the person back, and some seconds later where a sandbox opens the page.
BEFORE_SECONDS, AFTER_SECONDS = 10.0, 3.0
USUAL_SECONDS = 600.0  # before the request, in which it is seen how many people click the link
QUIET = 0.5  # people who click within BEFORE and AFTER by chance; with more it says nothing
PERSONAL_NETWORKS = frozenset({NetworkClass.OTHER, NetworkClass.RELAY})


class Neighbour(NamedTuple):
    """A click on the same link, of any visitor."""

    at: float  # seconds since 1970, UTC
    network_class: NetworkClass


def by_crowd(at: float, neighbours: Iterable[Neighbour]) -> Reason:
    """Judge a data centre's click at `at` by the clicks on its link around then.

    `neighbours` are those from USUAL_SECONDS before to AFTER_SECONDS after it.
    """
    near, usual = 0, 0
    for row in neighbours:
        if (
            row.network_class in PERSONAL_NETWORKS
            and -USUAL_SECONDS <= row.at - at <= AFTER_SECONDS
        ):
            if row.at >= at - BEFORE_SECONDS:
                near += 1
            else:
                usual += 1
    by_chance = usual * (BEFORE_SECONDS + AFTER_SECONDS) / (USUAL_SECONDS - BEFORE_SECONDS)
    return Reason.SERVER_BESIDE_PERSON if near and by_chance < QUIET else Reason(0)
