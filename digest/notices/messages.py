"""From a notice to the message that goes on the wire.

Most kinds are a letter (digest.notices.content); packages above compose others (`composers`).
"""

from datetime import datetime

from digest.core import links
from digest.notices import content
from digest.notices.composers import composer_of
from digest.notices.models import Notice
from digest.rendering.notice import Addressee, Masthead, compose


def message_of(notice: Notice, now: datetime) -> bytes | None:
    """Return the octets of a notice, unsigned; None if it is no longer wanted."""
    compose_it = composer_of(Notice.Kind(notice.kind)) or _compose_letter
    return compose_it(notice, now)


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
