"""The services that can be connected, by their keys."""

from digest.reputation.services.base import Adapter
from digest.reputation.services.postmaster import Postmaster
from digest.reputation.services.snds import Snds

KINDS: dict[str, Adapter] = {"postmaster": Postmaster(), "snds": Snds()}
