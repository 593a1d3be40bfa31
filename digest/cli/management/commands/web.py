"""`digest web`: answer browsers."""

from typing import Any

from django.core.management.base import CommandParser

from digest.cli import numbers, processes
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """The web process."""

    audited = False
    help = "Answer browsers: archive, unsubscribe, health. Runs until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where to listen, and with how many hands."""
        processes.add_listen_options(parser, 8000)
        parser.add_argument("--workers", type=numbers.positive, default=2, help="processes (2)")
        parser.add_argument(
            "--threads", type=numbers.positive, default=4, help="in each process (4)"
        )

    def run(self, options: dict[str, Any]) -> None:
        """Become gunicorn."""
        processes.become(
            "web",
            processes.web(
                bind=processes.address(options["host"], options["port"]),
                workers=options["workers"],
                threads=options["threads"],
            ),
        )
