"""`digest beat`: say when to look for work."""

from typing import Any

from django.core.management.base import CommandParser

from digest.cli import processes
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """The clock process."""

    audited = False
    help = "Say when to look for work; one of it is enough, two do no harm. Runs until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take nothing."""

    def run(self, _options: dict[str, Any]) -> None:
        """Become Celery beat."""
        processes.become("beat", processes.beat())
