"""Why mail comes back, by Sisimai's names, which postmasters know, and what follows."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a message was not delivered; the values are Sisimai's names."""

    AUTHENTICATION = "authfailure"
    REPUTATION = "badreputation"
    BLOCKED = "blocked"
    CONTENT = "contenterror"
    TOO_LARGE = "emailtoolarge"
    EXPIRED = "expired"
    FEEDBACK = "feedback"  # a complaint
    FILTERED = "filtered"
    MOVED = "hasmoved"
    HOST_UNKNOWN = "hostunknown"
    MAILBOX_FULL = "mailboxfull"
    MAILER = "mailererror"
    NETWORK = "networkerror"
    NO_RELAYING = "norelaying"
    NOT_ACCEPTED = "notaccept"
    NOT_COMPLIANT = "notcompliantrfc"
    POLICY = "policyviolation"
    REJECTED = "rejected"
    NO_PTR = "requireptr"
    SECURITY = "securityerror"
    SPAM = "spamdetected"
    SPEEDING = "speeding"
    SUSPENDED = "suspend"
    SYNTAX = "syntaxerror"
    SYSTEM = "systemerror"
    SYSTEM_FULL = "systemfull"
    TOO_MANY = "toomanyconn"
    UNDEFINED = "undefined"
    USER_UNKNOWN = "userunknown"
    VIRUS = "virusdetected"


class Consequence(StrEnum):
    """What follows from a bounce or a complaint."""

    HARD = "hard"  # the address is suppressed at once
    SOFT = "soft"  # counts towards a score that decays
    SENDER = "sender"  # our fault: nobody is suppressed, the domain may be paused
    COMPLAINT = "complaint"  # the address is suppressed at once


# Nobody reads mail to the address, where the refusal is for good.
UNREACHABLE = {
    *(Reason.USER_UNKNOWN, Reason.HOST_UNKNOWN, Reason.NOT_ACCEPTED, Reason.MOVED),
    Reason.SUSPENDED,
}
_SENDER = {
    *(Reason.AUTHENTICATION, Reason.REPUTATION, Reason.BLOCKED, Reason.CONTENT, Reason.TOO_LARGE),
    *(Reason.NO_RELAYING, Reason.NOT_COMPLIANT, Reason.POLICY, Reason.REJECTED, Reason.NO_PTR),
    *(Reason.SECURITY, Reason.SPAM, Reason.SPEEDING, Reason.SYNTAX, Reason.TOO_MANY, Reason.VIRUS),
}


def consequence_of(reason: Reason, *, permanent: bool) -> Consequence:
    """Return what follows; an address is only gone where the server says so for good (5.x)."""
    if reason == Reason.FEEDBACK:
        return Consequence.COMPLAINT
    if reason in _SENDER:
        return Consequence.SENDER
    if reason in UNREACHABLE and permanent:
        return Consequence.HARD
    return Consequence.SOFT
