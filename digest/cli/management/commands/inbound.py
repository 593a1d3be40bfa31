"""`digest inbound`: receive mail."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from digest.cli import processes
from digest.cli.errors import UsageError
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """The process that receives mail."""

    audited = False
    help = (
        "Receive mail to subscribe+…@, unsubscribe+…@ and help@, and bounces. Runs until stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen, and how to speak."""
        processes.add_listen_options(parser, 8025)
        parser.add_argument(
            "--protocol", choices=["smtp", "lmtp"], default="smtp", help="to speak (smtp)"
        )
        parser.add_argument("--socket", default="", metavar="PATH", help="instead of a port")

    def run(self, options: dict[str, Any]) -> None:
        """Become the receiver."""
        if not (settings.DIGEST_INBOUND_DOMAIN or settings.DIGEST_BOUNCE_DOMAIN):
            raise UsageError(
                "Set DIGEST_INBOUND_DOMAIN or DIGEST_BOUNCE_DOMAIN to the domain of that mail."
            )
        arguments = {name: options[name] for name in ("host", "port", "protocol", "socket")}
        processes.become("inbound", processes.inbound(**arguments))
