"""SMTP: several connections in one process, each with its next envelope on its present body.

address      what DIGEST_SMTP_URL says
connecting   greeting, EHLO, STARTTLS, AUTH: a session that is ready for mail
wire         the octets of commands and messages
line         one session's conversation: replies in, commands and messages out
transport    all lines of a relay, in one loop
"""

from digest.relays.transports.smtp.address import (
    RelayAddress,
    Security,
    StartTls,
    parse_address,
    write_address,
)
from digest.relays.transports.smtp.transport import SmtpTransport

__all__ = [
    "RelayAddress",
    "Security",
    "SmtpTransport",
    "StartTls",
    "parse_address",
    "write_address",
]
