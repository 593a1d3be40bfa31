"""Why a row of a list is not imported."""

from enum import StrEnum


class Cause(StrEnum):
    """Why a row is not imported. What the list says of a person comes first, the worst last."""

    UNKNOWN = "unknown state"
    NO_CONSENT = "no consent"
    INACTIVE = "inactive"
    UNCONFIRMED = "unconfirmed"
    DELETED = "deleted"
    UNSUBSCRIBED = "unsubscribed"
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"

    UNREADABLE = "unreadable row"
    ADDRESS = "invalid address"
    DUPLICATE = "duplicate"
    LEFT = "unsubscribed here"
    SUPPRESSED = "suppressed here"
    ERASED = "erased here"


STATES = (
    *(Cause.UNKNOWN, Cause.NO_CONSENT, Cause.INACTIVE, Cause.UNCONFIRMED, Cause.DELETED),
    *(Cause.UNSUBSCRIBED, Cause.BLOCKED, Cause.BOUNCED, Cause.COMPLAINED),
)
# What an importer may have taken as a suppression. Those who never confirmed may still do so.
SUPPRESSIBLE = frozenset(STATES[STATES.index(Cause.DELETED) :])
