"""What can be done to many subscribers; one module for each kind of thing that changes."""

from digest.bulk.actions.attributes import SetAttribute
from digest.bulk.actions.base import Action, Sorting
from digest.bulk.actions.erasure import Erase
from digest.bulk.actions.newsletters import Invite, Remove
from digest.bulk.actions.pausing import Pause
from digest.bulk.actions.tags import AddTag, RemoveTag
from digest.bulk.errors import BulkError
from digest.bulk.models import BulkChange

__all__ = ["ACTIONS", "Action", "Sorting", "action_of"]

Kind = BulkChange.Kind
ACTIONS: dict[BulkChange.Kind, Action] = {
    Kind.ADD_TAG: AddTag(),
    Kind.REMOVE_TAG: RemoveTag(),
    Kind.SET_ATTRIBUTE: SetAttribute(),
    Kind.PAUSE: Pause(),
    Kind.INVITE: Invite(),
    Kind.REMOVE: Remove(),
    Kind.ERASE: Erase(),
}


def action_of(change: BulkChange) -> Action:
    """Return what a change does; raise BulkError while that is not chosen."""
    if not change.kind:
        raise BulkError("Choose what to change.")
    return ACTIONS[Kind(change.kind)]
