"""Relays with scripted servers behind them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis
from pytest_django.fixtures import Settings

from digest.relays import registry
from digest.relays.models import Relay
from digest.relays.registry import RelayOptions
from digest.relays.throttles import buckets
from tests.sending.relays import AddRelay
from tests.smtp_server import Script, SmtpServer


@pytest.fixture
def add_relay(settings: Settings) -> Iterator[AddRelay]:
    """Add a relay by name, with a scripted server behind it; there is no other."""
    settings.DIGEST_SMTP_URL = ""
    with redis.Redis.from_url(settings.DIGEST_REDIS_URL) as valkey:
        valkey.set(buckets.BORN, 1)  # it started long ago: buckets are full
    with ExitStack() as stack:

        def start(
            name: str, script: Script | None = None, *, delay: float = 0, **options: object
        ) -> tuple[Relay, SmtpServer]:
            server = stack.enter_context(SmtpServer(script, delay=delay))
            relay = registry.add(name, server.url, RelayOptions(**options))  # type: ignore[arg-type]
            return relay, server

        yield start
