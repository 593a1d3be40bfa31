"""Who composes which notices: a package above this one may send a kind of its own.

It registers how that is composed when its app is ready. Apart from `messages`, whose templates and
styles not every process needs.
"""

from collections.abc import Callable
from datetime import datetime

from digest.notices.models import Notice

# Returns the octets of a message, unsigned; None if the notice is no longer wanted.
Composer = Callable[[Notice, datetime], bytes | None]

_COMPOSERS: dict[Notice.Kind, Composer] = {}


def register_composer(kind: Notice.Kind, composer: Composer) -> None:
    """Let notices of a kind be composed by a package above this one."""
    _COMPOSERS[kind] = composer


def composer_of(kind: Notice.Kind) -> Composer | None:
    """Return what composes notices of a kind; None where they are letters."""
    return _COMPOSERS.get(kind)
