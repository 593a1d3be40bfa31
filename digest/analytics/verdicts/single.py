"""Rules that look at one request: its network, its time, its user agent."""

from digest.analytics.verdicts.agents import MACHINES, Agent
from digest.analytics.verdicts.networks import NetworkClass
from digest.analytics.verdicts.reasons import Reason
from digest.analytics.verdicts.request import Request

NOBODY_SECONDS = 2  # within which nobody has opened a mail and clicked
SERVER_SECONDS = 120  # within which a request of a data centre is a scanner's
CLOCKS_SECONDS = 60  # by which clocks of two machines may differ; earlier it was another copy

NOTHING = Reason(0)


def by_network(request: Request) -> Reason:
    """Judge by published networks."""
    if request.network_class is NetworkClass.SCANNER:
        return Reason.SCANNER_NETWORK
    if request.network_class is NetworkClass.IMAGE_PROXY:
        return Reason.IMAGE_PROXY if request.is_open else Reason.PROXY_CLICK
    if request.network_class is NetworkClass.RELAY and request.is_open:
        return Reason.IMAGE_PROXY  # Apple Mail fetches pictures through it, opened or not
    return NOTHING


def by_time(request: Request) -> Reason:
    """Judge by the time since the delivery: people need some, servers need none."""
    since, hosted = request.since_delivery, request.network_class is NetworkClass.HOSTING
    if since is not None and since >= -CLOCKS_SECONDS:
        if since < NOBODY_SECONDS:
            return Reason.TOO_SOON
        if hosted and since < SERVER_SECONDS:
            return Reason.SERVER_SOON
    return Reason.SERVER_WHILE_SENDING if hosted and request.while_sending else NOTHING


def by_agent(request: Request) -> Reason:
    """Judge by the class of the user agent."""
    if request.agent == Agent.IMAGE_PROXY:
        return Reason.IMAGE_PROXY if request.is_open else Reason.PROXY_CLICK
    return Reason.USER_AGENT if request.agent in MACHINES else NOTHING
