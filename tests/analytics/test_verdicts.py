"""Rules that tell people from machines, each by itself."""

from typing import Any

import pytest

from digest.analytics.models import HitKind, Verdict
from digest.analytics.verdicts import judge
from digest.analytics.verdicts.agents import MACHINES, Agent
from digest.analytics.verdicts.networks import NetworkClass
from digest.analytics.verdicts.reasons import EXPLANATIONS, Reason, explain
from digest.analytics.verdicts.request import Request

HUMAN, MACHINE, UNCERTAIN = Verdict.HUMAN, Verdict.MACHINE, Verdict.UNCERTAIN


def request(at: float = 0, link: int = 1, **fields: Any) -> Request:
    """A click from home with a browser."""
    defaults: dict[str, Any] = {
        "kind": HitKind.CLICK,
        "network": "home",
        "network_class": NetworkClass.OTHER,
        "agent": Agent.BROWSER,
    }
    return Request(at=at, link=link, **defaults | fields)


def verdict(*requests: Request, links: int = 20) -> list[tuple[Verdict, Reason]]:
    """Judge, in the order of time."""
    return judge(sorted(requests, key=lambda row: row.at), links)


def server(at: float = 0, link: int = 1, **fields: Any) -> Request:
    """A click from a data centre."""
    return request(at, link, network="cloud", network_class=NetworkClass.HOSTING, **fields)


def trap(at: float = 0, **fields: Any) -> Request:
    """A request for the hidden link."""
    return request(at, 99, kind=HitKind.TRAP, **fields)


def test_a_click_from_home_is_a_persons() -> None:
    """Nothing speaks against it, even without a time of delivery."""
    assert verdict(request()) == [(HUMAN, Reason(0))]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (request(network_class=NetworkClass.SCANNER), (MACHINE, Reason.SCANNER_NETWORK)),
        (request(network_class=NetworkClass.IMAGE_PROXY), (MACHINE, Reason.PROXY_CLICK)),
        (request(network_class=NetworkClass.RELAY, since_delivery=60), (HUMAN, Reason(0))),
        (request(since_delivery=1), (MACHINE, Reason.TOO_SOON)),
        (request(since_delivery=-5), (MACHINE, Reason.TOO_SOON)),
        (request(since_delivery=2), (HUMAN, Reason(0))),
        (request(since_delivery=-3600), (HUMAN, Reason(0))),  # of a copy that came before
        (server(since_delivery=119), (MACHINE, Reason.SERVER_SOON)),
        (server(since_delivery=120), (HUMAN, Reason(0))),
        (server(since_delivery=500, while_sending=True), (UNCERTAIN, Reason.SERVER_WHILE_SENDING)),
        (request(since_delivery=500, while_sending=True), (HUMAN, Reason(0))),
        (request(agent=Agent.BOT), (MACHINE, Reason.USER_AGENT)),
        (request(agent=Agent.IMAGE_PROXY), (MACHINE, Reason.PROXY_CLICK)),
    ],
)
def test_single_requests(row: Request, expected: tuple[Verdict, Reason]) -> None:
    """Networks, then time, then the user agent."""
    assert verdict(row) == [expected]


@pytest.mark.parametrize("agent", sorted(MACHINES))
def test_bots_are_machines(agent: str) -> None:
    """Bots, libraries, prefetches, HEAD, and nothing at all."""
    assert verdict(request(agent=agent)) == [(MACHINE, Reason.USER_AGENT)]


@pytest.mark.parametrize(
    "fields",
    [
        {"network_class": NetworkClass.IMAGE_PROXY},
        {"network_class": NetworkClass.RELAY},
        {"agent": Agent.IMAGE_PROXY},
        {"network_class": NetworkClass.IMAGE_PROXY, "agent": Agent.EMPTY, "since_delivery": 1},
    ],
)
def test_opens_by_proxies_are_uncertain(fields: dict[str, Any]) -> None:
    """They are neither bots nor people, however soon they come."""
    row = request(link=0, kind=HitKind.OPEN, **fields)
    assert verdict(row) == [(UNCERTAIN, Reason.IMAGE_PROXY)]


def test_all_reasons_are_collected() -> None:
    """People see every one of them, in the order of the rules."""
    [(_, reasons)] = verdict(server(agent=Agent.BOT, since_delivery=1))
    assert reasons == Reason.TOO_SOON | Reason.USER_AGENT
    assert [sentence[:14] for sentence in explain(reasons)] == ["It came sooner", "Its user agent"]


def test_each_reason_is_explained() -> None:
    """In one sentence."""
    assert set(EXPLANATIONS) == set(Reason)


def test_a_burst_is_a_machine() -> None:
    """Six links within two seconds."""
    rows = [request(number * 0.4, number + 1) for number in range(6)]
    assert verdict(*rows) == [(MACHINE, Reason.BURST)] * 6


def test_the_whole_mail_is_a_burst() -> None:
    """Ten of twelve links in a minute, one after the other; of a short mail, people may."""
    rows = [request(number * 7, number + 1) for number in range(10)]
    assert verdict(*rows, links=12) == [(MACHINE, Reason.BURST)] * 10
    assert verdict(*rows, links=40) == [(HUMAN, Reason(0))] * 10
    assert verdict(*rows[:8], links=8) == [(HUMAN, Reason(0))] * 8


def test_a_burst_of_a_data_centre_is_shorter() -> None:
    """Three links within ten seconds, which a person does at home."""
    assert verdict(*(server(300 + number * 4, number) for number in (1, 2, 3)))[2][0] is MACHINE
    assert verdict(*(request(300 + number * 4, number) for number in (1, 2, 3)))[2][0] is HUMAN
    assert verdict(server(300, 1), server(304, 2))[1][0] is HUMAN


def test_opening_tabs_is_no_burst() -> None:
    """A person opens five stories in tabs, two thirds of a second apart."""
    rows = [request(number * 0.65, number + 1) for number in range(5)]
    assert verdict(*rows) == [(HUMAN, Reason(0))] * 5


def test_pressing_often_is_no_burst() -> None:
    """Ten presses on one link within a second."""
    rows = [request(number * 0.1, 1) for number in range(10)]
    assert verdict(*rows) == [(HUMAN, Reason(0))] * 10


def test_a_burst_condemns_its_client_for_a_minute_and_not_the_person_later() -> None:
    """The same scanner comes back; the subscriber clicks at home in the evening."""
    burst = [request(number * 0.1, number + 1, network="office") for number in range(6)]
    later, person = request(50, 9, network="office"), request(7200, 2)
    assert [row[0] for row in verdict(*burst, later, person)] == [MACHINE] * 7 + [HUMAN]
    assert verdict(*burst, later)[6][1] == Reason.NEAR_BURST


def test_the_hidden_link_condemns_what_came_before_it_too() -> None:
    """Any request within a minute, the same client's within ten, the person's later on not."""
    rows = [
        request(0, 1),
        request(400, 2, network="elsewhere"),
        trap(500),
        request(540, 3, network="elsewhere"),
        request(1500, 4),
    ]
    assert [row[0] for row in verdict(*rows)] == [MACHINE, HUMAN, MACHINE, MACHINE, HUMAN]
    assert verdict(*rows)[0][1] == Reason.NEAR_HIDDEN_LINK


def test_a_servers_hidden_link_spares_a_person_at_home() -> None:
    """A data centre scans the mail while its subscriber clicks."""
    rows = [request(0), trap(20, network="cloud", network_class=NetworkClass.HOSTING)]
    assert [row[0] for row in verdict(*rows)] == [HUMAN, MACHINE]


def test_a_server_beside_a_person_checks_the_link() -> None:
    """Scanners look at a link when it is clicked; the person's click counts, once."""
    rows = [request(3600, 5), server(3603, 5), server(9000, 6)]
    assert verdict(*rows) == [
        (HUMAN, Reason(0)),
        (MACHINE, Reason.SERVER_BESIDE_PERSON),
        (HUMAN, Reason(0)),
    ]


def test_opens_are_no_clicks() -> None:
    """A person opens a mail six times within a second, in six windows."""
    rows = [request(number * 0.1, 0, kind=HitKind.OPEN) for number in range(6)]
    assert verdict(*rows) == [(HUMAN, Reason(0))] * 6
