"""Judges a labelled corpus as the judging job would, and counts what became of each label."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from ipaddress import ip_network
from typing import NamedTuple

from digest.analytics import networks
from digest.analytics.coincidences import MOST_NEIGHBOURS
from digest.analytics.models import HitKind, Verdict
from digest.analytics.recording.agents import classify
from digest.analytics.recording.hits import Client
from digest.analytics.verdicts import judge
from digest.analytics.verdicts.crowd import AFTER_SECONDS, USUAL_SECONDS, Neighbour, by_crowd
from digest.analytics.verdicts.networks import NetworkClass, Networks
from digest.analytics.verdicts.request import Request
from tests.analytics.corpus import Label, Sample

SENDING_SECONDS = 1200  # that the issue of the corpus needs

Filter = Callable[[Sequence[Sample]], list[Verdict]]


class Figures(NamedTuple):
    """What became of the clicks of a corpus."""

    scanner_clicks: int
    filtered: int
    human_clicks: int
    lost: int
    by_family: Counter[tuple[str, bool]]  # family of a session, and whether a hit was misjudged

    @property
    def filtered_share(self) -> float:
        """The share of the scanners' clicks that are not counted as people's."""
        return self.filtered / self.scanner_clicks

    @property
    def lost_share(self) -> float:
        """The share of people's clicks that are not counted as such."""
        return self.lost / self.human_clicks


def by_rules(samples: Sequence[Sample], *, named: bool) -> list[Verdict]:
    """Judge by our rules; `named`: of a publication that names subscribers in its links."""
    index = Networks(networks.shipped())
    visitors: dict[tuple[int, Hashable], list[int]] = defaultdict(list)
    for place, hit in enumerate(samples):
        visitors[hit.links, hit.subscriber if named else _client(hit)].append(place)
    verdicts: dict[int, Verdict] = {}
    for (links, _), places in visitors.items():
        requests = [_request(samples[place], index, named=named) for place in places]
        judged = judge(requests, links)
        verdicts |= {place: row[0] for place, row in zip(places, judged, strict=True)}
    if not named:
        _look_beside(samples, verdicts, index)
    return [verdicts[place] for place in range(len(samples))]


def _look_beside(samples: Sequence[Sample], verdicts: dict[int, Verdict], index: Networks) -> None:
    """Change the verdicts of data centres' clicks beside those of people, as the job does."""
    clicks: dict[tuple[int, int], list[Neighbour]] = defaultdict(list)
    for hit in samples:
        if hit.kind == HitKind.CLICK:
            neighbour = Neighbour(hit.at, index.class_of(_network(hit)))
            clicks[hit.links, hit.link].append(neighbour)
    for place, hit in enumerate(samples):
        is_server = index.class_of(_network(hit)) is NetworkClass.HOSTING
        if hit.kind == HitKind.CLICK and is_server and verdicts[place] is Verdict.HUMAN:
            nearby = clicks[hit.links, hit.link]
            first = bisect_left(nearby, hit.at - USUAL_SECONDS, key=lambda row: row.at)
            last = bisect_right(nearby, hit.at + AFTER_SECONDS, key=lambda row: row.at)
            if last - first < MOST_NEIGHBOURS and by_crowd(hit.at, nearby[first:last]):
                verdicts[place] = Verdict.MACHINE


def figures(samples: Sequence[Sample], verdicts: Sequence[Verdict]) -> Figures:
    """Compare verdicts with labels; opens and hidden links are not clicks."""
    counts: Counter[tuple[Label, bool]] = Counter()
    families: Counter[tuple[str, bool]] = Counter()
    for hit, verdict in zip(samples, verdicts, strict=True):
        if hit.kind == HitKind.CLICK:
            is_counted = verdict is Verdict.HUMAN
            counts[hit.label, is_counted] += 1
            families[hit.family, is_counted is not (hit.label is Label.PERSON)] += 1
    scanner = counts[Label.SCANNER, True] + counts[Label.SCANNER, False]
    human = counts[Label.PERSON, True] + counts[Label.PERSON, False]
    return Figures(
        scanner,
        counts[Label.SCANNER, False],
        human,
        counts[Label.PERSON, False],
        families,
    )


def _client(hit: Sample) -> Hashable:
    """Return what a visitor is where nobody is named."""
    return hit.address, hit.user_agent


def _network(hit: Sample) -> str:
    return str(ip_network((hit.address, 24), strict=False))


def _request(hit: Sample, index: Networks, *, named: bool) -> Request:
    network = _network(hit)
    client = Client(hit.address, hit.user_agent, hit.is_head, hit.is_prefetch)
    return Request(
        at=hit.at,
        kind=hit.kind,
        link=hit.link,
        network=network,
        network_class=index.class_of(network),
        agent=classify(client),
        since_delivery=int(hit.since if named else hit.at),
        while_sending=not named and 0 <= hit.at < SENDING_SECONDS + 3600,
    )
