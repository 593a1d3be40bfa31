"""The reason that an enhanced status code gives by itself (RFC 3463 and IANA's registry)."""

from digest.bounces.reading.reasons import Reason

_BY_DETAIL = {
    "1.1": Reason.USER_UNKNOWN,
    "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.USER_UNKNOWN,
    "1.6": Reason.MOVED,
    "1.7": Reason.REJECTED,
    "1.8": Reason.REJECTED,
    "1.9": Reason.SYSTEM,  # RFC 6710: relayed to a server that tells of no errors
    "1.10": Reason.NOT_ACCEPTED,  # RFC 7505; Exchange Online: the recipient is not found
    "1.20": Reason.NOT_COMPLIANT,  # Exchange Online: several From addresses
    "1.90": Reason.SPEEDING,  # Exchange Online: the sender's recipients of a day
    "2.1": Reason.SUSPENDED,
    "2.2": Reason.MAILBOX_FULL,
    "2.3": Reason.TOO_LARGE,
    "2.121": Reason.SPEEDING,  # Exchange Online: what a recipient may get in an hour
    "2.122": Reason.SPEEDING,
    "3.1": Reason.SYSTEM_FULL,
    "3.4": Reason.TOO_LARGE,
    "4.5": Reason.SPEEDING,
    "4.7": Reason.EXPIRED,
    "4.300": Reason.EXPIRED,  # Exchange Online
    "4.310": Reason.HOST_UNKNOWN,  # Exchange Online: DNS has no such domain
    "7.17": Reason.MOVED,  # RFC 7293: the mailbox has another owner since
    "7.18": Reason.MOVED,
    "7.20": Reason.AUTHENTICATION,  # RFC 7372, DKIM
    "7.21": Reason.AUTHENTICATION,
    "7.22": Reason.AUTHENTICATION,
    "7.23": Reason.AUTHENTICATION,  # SPF
    "7.24": Reason.AUTHENTICATION,
    "7.25": Reason.NO_PTR,
    "7.26": Reason.AUTHENTICATION,
    "7.27": Reason.REJECTED,  # RFC 7505: the sender's domain accepts no mail
    "7.28": Reason.SPEEDING,
}
_BY_SUBJECT = {
    "2": Reason.FILTERED,
    "3": Reason.SYSTEM,
    "4": Reason.NETWORK,
    "5": Reason.SYNTAX,
    "6": Reason.CONTENT,
    "7": Reason.POLICY,
}


def reason_of_status(status: str) -> Reason | None:
    """Return the reason of a code such as "5.1.1"; None for one that says nothing by itself."""
    _, _, detail = status.partition(".")
    if not detail or (detail.endswith((".", ".0")) and detail[0] not in "67"):
        return None
    return _BY_DETAIL.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0])
