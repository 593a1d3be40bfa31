"""A relay for the tests of this floor."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.smtp_server import Script, SmtpServer


@pytest.fixture
def relay(settings: Settings) -> Iterator[Callable[..., SmtpServer]]:
    """Start a scripted relay and make it this installation's; may be called again."""
    with ExitStack() as stack:

        def start(script: Script | None = None, **options: Any) -> SmtpServer:
            server = stack.enter_context(SmtpServer(script, **options))
            settings.DIGEST_SMTP_URL = server.url
            return server

        yield start
