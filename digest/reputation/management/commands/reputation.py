"""`digest reputation …`: what Google Postmaster Tools and Microsoft SNDS say of our mail."""

from pathlib import Path
from typing import Any

from digest.core import clock
from digest.core.files import explain_reading
from digest.core.terminal import ActionCommand
from digest.core.text import counted
from digest.reputation.errors import ReputationError
from digest.reputation.models import ServiceConnection, ServiceReading
from digest.reputation.services import collecting, connecting
from digest.reputation.services.kinds import KINDS

MOST = 50  # readings of a list


class Command(ActionCommand):
    """Services of providers."""

    help = "Google Postmaster Tools and Microsoft SNDS: connect, ask, list, remove."

    def add_actions(self) -> None:
        """Declare the actions."""
        connect = self.changing("connect", "store the key, and ask every six hours")
        connect.add_argument("kind", choices=list(KINDS))
        connect.add_argument("file", type=Path, metavar="FILE", help="that has the key")
        for action, name, summary in (
            (self.changing, "ask", "ask it now"),
            (self.changing, "remove", "delete the key; readings stay"),
        ):
            action(name, summary).add_argument("kind", choices=list(KINDS))
        self.reading("list", "how asking goes, and the newest readings")

    def do_connect(self, options: dict[str, Any]) -> None:
        """Store a key."""
        with explain_reading(options["file"], ReputationError):
            secret = options["file"].read_text()
        row = connecting.connect(options["kind"], secret, clock.now())
        self.answer({"connected": row.kind}, f"{KINDS[row.kind].name} is asked from now on.")

    def do_ask(self, options: dict[str, Any]) -> None:
        """Ask a service."""
        number = collecting.collect(connecting.find(options["kind"]), clock.now())
        self.answer({"readings": number}, f"{counted(number, 'reading')}.")

    def do_remove(self, options: dict[str, Any]) -> None:
        """Delete a key."""
        row = connecting.find(options["kind"])
        row.delete()
        self.answer({"removed": row.kind}, f"{KINDS[row.kind].name} is not asked any more.")

    def do_list(self, _options: dict[str, Any]) -> None:
        """List services and readings."""
        services = [
            {"service": row.kind, "problem": row.problem, "collected_at": row.collected_at}
            for row in ServiceConnection.objects.order_by("kind")
        ]
        rows = list(ServiceReading.objects.order_by("-day", "kind", "subject")[:MOST])
        names = ("kind", "subject", "day", "spam_share", "error_share", "color", "trap_hits")
        readings = [{name: getattr(row, name) for name in names} for row in rows]
        columns = ("Service", "Of", "Day", "Spam", "Errors", "Color", "Traps")
        cells = [[row[name] for name in names] for row in readings]
        empty = "There are no readings."
        self.answer(
            {"services": services, "readings": readings},
            lambda out: out.print_table(columns, cells, empty),
        )
