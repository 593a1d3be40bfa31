"""Providers' APIs, through django-anymail.

adapter     what callers ask of an address
address     what the address of a provider says, and what differs between providers
messages    our ready bytes in the form that anymail accepts
backends    anymail's backends, and our own for what anymail does not use
results    what a provider's answer means, as an SMTP reply
transport   calls, several at once
"""

from digest.relays.transports.esp.adapter import EspAdapter
from digest.relays.transports.esp.address import EspAddress, parse_address
from digest.relays.transports.esp.transport import EspTransport

__all__ = ["EspAdapter", "EspAddress", "EspTransport", "parse_address"]
