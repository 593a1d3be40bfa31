"""What systems say of their articles, each in its own shape. Pure: JSON in, a change out."""

from digest.connectors.reading.changes import Change
from digest.connectors.reading.ghost import read_call as read_ghost
from digest.connectors.reading.standard import read_call as read_standard

__all__ = ["Change", "read_ghost", "read_standard"]
