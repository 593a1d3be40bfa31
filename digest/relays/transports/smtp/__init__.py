"""SMTP: several connections in one process, each sending the next envelope behind its message.

adapter        what callers ask of an address
address        what the address of a relay says
session        greeting, EHLO, STARTTLS, AUTH: a connection that is ready for mail
advice         what to do when that fails
capabilities   what EHLO offers, and the envelope commands that follow from it
wire           the octets of messages and replies
writer         octets out, and how many of them the kernel has
steps          which replies may answer which step
conversation   one session in use: replies in, commands and messages out
loop           all conversations with a relay, in one thread
transport      what a sender calls
"""

from digest.relays.transports.smtp.adapter import SmtpAdapter
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
    "SmtpAdapter",
    "SmtpTransport",
    "StartTls",
    "parse_address",
    "write_address",
]
