"""Rules that look at a request among the others of the same visitor.

A visitor of a publication that counts individuals is a subscriber: a scanner's requests and the
person's own, from home and from an office whose scanner has the same network. So each rule
condemns what is near in time, and further away only what has the same network and user agent.
"""

from collections.abc import Sequence

from digest.analytics.models import HitKind
from digest.analytics.verdicts.networks import NetworkClass
from digest.analytics.verdicts.reasons import Reason
from digest.analytics.verdicts.request import Request

# So many different links within so many seconds: people who open tabs one after the other need
# half a second for each at their best, and do not open the whole mail.
BURSTS = ((3, 0.7), (6, 2.5), (10, 10.0))
SERVER_BURSTS = ((2, 1.0), (3, 10.0))  # of data centres, where few people are
WHOLE_SHARE, WHOLE_LEAST, WHOLE_SECONDS = 0.8, 10, 120.0  # of the mail's links
NEAR_SECONDS = 60.0
CLIENT_SECONDS = 600.0  # for the same network and user agent
BESIDE_SECONDS = 30.0

NOTHING = Reason(0)


def by_neighbours(requests: Sequence[Request], links: int) -> list[Reason]:
    """Return the reasons that follow from the visitor's other requests, for each."""
    reasons = [NOTHING] * len(requests)
    traps = [row for row in requests if row.kind == HitKind.TRAP]
    bursts = _bursts(requests, links)
    members = [requests[place] for place in sorted(bursts)]
    for place, row in enumerate(requests):
        if row.kind == HitKind.TRAP:
            reasons[place] |= Reason.HIDDEN_LINK
        elif any(_is_near(row, trap) for trap in traps):
            reasons[place] |= Reason.NEAR_HIDDEN_LINK
        if place in bursts:
            reasons[place] |= Reason.BURST
        elif any(_is_near(row, member, NEAR_SECONDS) for member in members):
            reasons[place] |= Reason.NEAR_BURST
        if row.network_class is NetworkClass.HOSTING and _has_person_beside(row, requests):
            reasons[place] |= Reason.SERVER_BESIDE_PERSON
    return reasons


def _bursts(requests: Sequence[Request], links: int) -> set[int]:
    """Return the places of all clicks that belong to a burst."""
    clicks = [place for place, row in enumerate(requests) if row.kind == HitKind.CLICK]
    servers = [place for place in clicks if _is_server(requests[place])]
    whole = max(WHOLE_LEAST, round(links * WHOLE_SHARE)) if links else len(clicks) + 1
    places: set[int] = set()
    rules = [(clicks, rule) for rule in (*BURSTS, (whole, WHOLE_SECONDS))]
    rules += [(servers, rule) for rule in SERVER_BURSTS]
    for members, (number, seconds) in rules:
        if len(members) >= number:
            places |= _windows(requests, members, number, seconds)
    return places


def _windows(
    requests: Sequence[Request], clicks: list[int], number: int, seconds: float
) -> set[int]:
    """Return the clicks of each window of `seconds` in which `number` different links lie."""
    places: set[int] = set()
    counts: dict[int, int] = {}
    begin = 0
    for end, place in enumerate(clicks):
        link = requests[place].link
        counts[link] = counts.get(link, 0) + 1
        while requests[place].at - requests[clicks[begin]].at > seconds:
            _drop(counts, requests[clicks[begin]].link)
            begin += 1
        if len(counts) >= number:
            places.update(clicks[begin : end + 1])
    return places


def _drop(counts: dict[int, int], link: int) -> None:
    counts[link] -= 1
    if not counts[link]:
        del counts[link]


def _is_near(row: Request, other: Request, far: float = CLIENT_SECONDS) -> bool:
    """Say whether a request is near another: any within a minute, the same client's within `far`.

    A person's network is not a server's: their click may come within a minute of a scanner's.
    """
    seconds = abs(row.at - other.at)
    if row.client == other.client:
        return seconds <= far
    return seconds <= NEAR_SECONDS and _is_server(row) >= _is_server(other)


def _is_server(row: Request) -> bool:
    return row.network_class in {NetworkClass.HOSTING, NetworkClass.SCANNER}


def _has_person_beside(row: Request, requests: Sequence[Request]) -> bool:
    """Say whether the same link was clicked from elsewhere at the same time."""
    return any(
        other.link == row.link
        and other.kind == HitKind.CLICK
        and other.network_class in {NetworkClass.OTHER, NetworkClass.RELAY}
        and abs(other.at - row.at) <= BESIDE_SECONDS
        for other in requests
    )
