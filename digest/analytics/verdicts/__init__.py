"""Whether a person or a machine was behind each hit of one visitor in one issue.

Pure: hits in, verdicts with their reasons out. In the order of the issue:

    by_network    published networks of scanners and image proxies
    by_time       how soon after the delivery, by class of network
    by_neighbours    a burst over many links of one mail; the hidden link; a server beside a person
    by_agent      the user agent, last: it is the easiest to fake

Where links name nobody, `crowd` looks beside a visitor afterwards, at others on the same link.

All reasons of a hit are collected, so that people can see them (docs/analytics.md).
"""

from collections.abc import Sequence

from digest.analytics.models import HitKind, Verdict
from digest.analytics.verdicts.neighbours import by_neighbours
from digest.analytics.verdicts.reasons import Reason, verdict_of
from digest.analytics.verdicts.request import Request
from digest.analytics.verdicts.single import by_agent, by_network, by_time

Judgement = tuple[Verdict, Reason]


def judge(requests: Sequence[Request], links: int) -> list[Judgement]:
    """Return a verdict and its reasons for each request of one visitor in one issue.

    `requests` are in the order of time; `links` is how many links the mail has, 0 if unknown.
    """
    reasons = [by_network(row) | by_time(row) | by_agent(row) for row in requests]
    if len(requests) > 1 or requests[0].kind == HitKind.TRAP:  # most visitors click once
        shared_reasons = by_neighbours(requests, links)
        reasons = [single | shared for single, shared in zip(reasons, shared_reasons, strict=True)]
    return [_verdict(bits) for bits in reasons]


def _verdict(reasons: Reason) -> Judgement:
    """A proxy's open stays uncertain, whatever else speaks for a machine."""
    if reasons & Reason.IMAGE_PROXY:
        return Verdict.UNCERTAIN, Reason.IMAGE_PROXY
    return verdict_of(reasons), reasons
