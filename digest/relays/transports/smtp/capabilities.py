"""What a relay offers in EHLO, and the envelope commands that follow from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from digest.relays.transports.base import Envelope, OutgoingMessage, Reply
from digest.relays.transports.smtp import wire

_XCHARS = re.compile(r"[!-*,-<>-~]*")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The extensions that Digest uses, read once for each session."""

    pipelining: bool = False  # RFC 2920
    chunking: bool = False  # RFC 3030
    size: bool = False  # RFC 1870
    max_size: int = 0  # octets of a message; 0: not announced
    eight_bit: bool = False  # RFC 6152
    smtputf8: bool = False  # RFC 6531
    dsn: bool = False  # RFC 3461

    @classmethod
    def of(cls, features: Mapping[str, str]) -> Self:
        """Read the keywords of EHLO, in lower case, each with its parameters."""
        max_size = features.get("size", "").strip()
        return cls(
            pipelining="pipelining" in features,
            chunking="chunking" in features,
            size="size" in features,
            max_size=int(max_size) if max_size.isdecimal() else 0,
            eight_bit="8bitmime" in features,
            smtputf8="smtputf8" in features,
            dsn="dsn" in features,
        )

    def mail_command(self, message: OutgoingMessage) -> bytes:
        """Return MAIL FROM with what the relay offers: SIZE, 8BITMIME, SMTPUTF8, DSN."""
        sender, recipient, envelope_id = message.envelope
        command = f"MAIL FROM:<{sender}>"
        if self.size:
            command += f" SIZE={len(message.content)}"
        if self.eight_bit and not message.content.isascii():
            command += " BODY=8BITMIME"
        if not (sender.isascii() and recipient.isascii()):
            command += " SMTPUTF8"
        if self.dsn and envelope_id:
            command += f" RET=HDRS ENVID={_xtext(envelope_id)}"
        return f"{command}\r\n".encode()

    def rcpt_command(self, envelope: Envelope) -> bytes:
        """Return RCPT TO, asking a relay with DSN to report failures only."""
        notify = " NOTIFY=FAILURE" if self.dsn and envelope.id else ""
        return f"RCPT TO:<{envelope.recipient}>{notify}\r\n".encode()

    def encode(self, message: OutgoingMessage) -> bytes:
        """Return the content as it goes over the wire: one BDAT, or with stuffed dots.

        Raises ValueError for a bare CR or LF.
        """
        content = message.content
        if self.chunking:
            if not message.smtp_safe:
                wire.check_line_ends(content)
            return b"BDAT %d LAST\r\n%b" % (len(content), content)
        return content if message.smtp_safe else wire.dot_stuffed(content)

    def refusal_of(self, message: OutgoingMessage) -> Reply | None:
        """Return the reply to a message that this relay cannot take at all; None: it can."""
        if self.max_size and len(message.content) > self.max_size:
            return Reply(552, f"5.3.4 The relay takes {self.max_size} octets at most.")
        if self.smtputf8 or message.envelope.recipient.isascii():
            return None
        return Reply(553, "5.6.7 The relay has no SMTPUTF8, which this address needs.")


def _xtext(text: str) -> str:
    """Return text as the parameters of DSN encode it (RFC 3461 §4)."""
    if _XCHARS.fullmatch(text):
        return text
    return "".join(
        char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text
    )
