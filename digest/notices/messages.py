"""From a notice to the message that goes on the wire.

Most kinds are a letter (digest.notices.content). A package above that sends a kind of its own
registers how it is composed, when its app is ready.
"""

from collections.abc import Callable
from datetime import datetime

from digest.core import links
from digest.notices import content
from digest.notices.models import Notice
from digest.rendering.notice import Addressee, Masthead, compose

# Returns the octets of a message, unsigned; None if the notice is no longer wanted.
Composer = Callable[[Notice, datetime], bytes | None]

_COMPOSERS: dict[Notice.Kind, Composer] = {}


def register_composer(kind: Notice.Kind, composer: Composer) -> None:
    """Let notices of a kind be composed by a package above this one."""
    _COMPOSERS[kind] = composer


def message_of(notice: Notice, now: datetime) -> bytes | None:
    """Return the octets of a notice, unsigned; None if it is no longer wanted."""
    return _COMPOSERS.get(Notice.Kind(notice.kind), _compose_letter)(notice, now)


def message_id(notice: Notice) -> str:
    """Return the Message-ID: the same each time, so that a mail program sees a repeat as one."""
    token = links.sign_rows("notice-message-id", notice)
    return f"<{token}@{notice.publication.sender_domain}>"


def _compose_letter(notice: Notice, now: datetime) -> bytes | None:
    written = content.write_letter(notice, now)
    if written is None:
        return None
    return compose(
        written.letter,
        Masthead.of(notice.publication),
        Addressee(
            email=notice.email,
            message_id=message_id(notice),
            date=now,
            links=written.links,
            unsubscribe_url=written.unsubscribe_url,
            unsubscribe_mailto=written.unsubscribe_mailto,
        ),
        replied=notice.answers_mail,
    )
