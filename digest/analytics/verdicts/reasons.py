"""Reasons of a verdict: bits that are stored with each hit, and a sentence for people."""

from enum import IntFlag

from digest.analytics.models import Verdict


class Reason(IntFlag):
    """Why a hit was judged as it was. Numbers are stored: never change one."""

    SCANNER_NETWORK = 1
    PROXY_CLICK = 2
    IMAGE_PROXY = 4
    TOO_SOON = 8
    SERVER_SOON = 16
    SERVER_WHILE_SENDING = 32
    SERVER_BESIDE_PERSON = 64
    BURST = 128
    NEAR_BURST = 256
    HIDDEN_LINK = 512
    NEAR_HIDDEN_LINK = 1024
    USER_AGENT = 2048
    FLOOD = 4096


UNCERTAIN = Reason.IMAGE_PROXY | Reason.SERVER_WHILE_SENDING

EXPLANATIONS = {
    Reason.SCANNER_NETWORK: "It came from a published network of a mail security service.",
    Reason.PROXY_CLICK: "An image proxy of a mailbox provider followed the link; people never do.",
    Reason.IMAGE_PROXY: "A mailbox provider fetched the picture, with or without a person.",
    Reason.TOO_SOON: "It came sooner after the delivery than a person can click.",
    Reason.SERVER_SOON: "It came from a data centre within two minutes of the delivery.",
    Reason.SERVER_WHILE_SENDING: (
        "It came from a data centre within an hour of the sending, and its link names nobody."
    ),
    Reason.SERVER_BESIDE_PERSON: "A data centre requested the link just when a person clicked it.",
    Reason.BURST: "Many links of the mail were requested faster than a person can.",
    Reason.NEAR_BURST: "The same client requested many links of the mail within a minute of it.",
    Reason.HIDDEN_LINK: "It followed a hidden link, which people cannot see.",
    Reason.NEAR_HIDDEN_LINK: "The same client followed a hidden link of the mail around then.",
    Reason.USER_AGENT: "Its user agent is a program's, or missing.",
    Reason.FLOOD: "The same client had made more than 300 requests for this issue.",
}


def verdict_of(reasons: Reason) -> Verdict:
    """Return the verdict that follows from all reasons together; without any, a person."""
    if reasons & ~UNCERTAIN:
        return Verdict.MACHINE
    return Verdict.UNCERTAIN if reasons else Verdict.HUMAN


def name_of(reason: Reason) -> str:
    """Return the name of one reason, for programs: "hidden_link"."""
    return str(reason.name).lower()


def explain(reasons: int) -> list[str]:
    """Return a sentence for each reason of a hit, in the order of the rules."""
    return [sentence for reason, sentence in EXPLANATIONS.items() if reasons & reason]
