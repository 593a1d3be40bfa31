"""Providers' APIs, through django-anymail.

address     what DIGEST_SMTP_URL says, and what is known of each provider
mails       our ready bytes in the form in which anymail takes a mail
backends    anymail's backends, and two of ours for what anymail does not use
words       what a provider says, in the words of SMTP
transport   calls, several at once
"""

from digest.relays.transports.esp.address import EspAddress, parse_address
from digest.relays.transports.esp.transport import EspTransport

__all__ = ["EspAddress", "EspTransport", "parse_address"]
