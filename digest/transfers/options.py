"""What a person chooses for a transfer."""

from dataclasses import dataclass

from digest.transfers.models import Transfer


@dataclass(frozen=True, slots=True)
class Options:
    """What comes in, and how."""

    consent: str  # how and when these people consented, stored with each
    list_name: str = ""  # of a service with several lists or newsletters: which one
    issues: str = Transfer.Issues.PUBLIC
    suppress: bool = True  # those who left, bounced or complained there
    affirmed: bool = False  # what Service.question asks
