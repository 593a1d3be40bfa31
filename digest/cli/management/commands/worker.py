"""`digest worker`: do the jobs."""

from typing import Any

from django.core.management.base import CommandParser

from digest.cli import numbers, processes
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """A worker process."""

    audited = False
    help = "Do the jobs: poll, build, plan, send. Runs until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take how many hands, and for which jobs."""
        parser.add_argument("--concurrency", type=numbers.positive, default=4, help="processes (4)")
        parser.add_argument(
            "--queues", default="", help=f"only some of {','.join(processes.QUEUES)}"
        )
        parser.add_argument("--name", default="", help="of this worker on its host (worker-PID)")

    def run(self, options: dict[str, Any]) -> None:
        """Become a Celery worker."""
        queues = options["queues"].replace(",", " ").split()
        processes.become(
            "worker",
            processes.worker(
                concurrency=options["concurrency"], queues=queues, name=options["name"]
            ),
        )
