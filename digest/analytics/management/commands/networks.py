"""`digest networks …`: whose requests are not taken for people's clicks."""

from pathlib import Path
from typing import Any

from digest.analytics import networks
from digest.analytics.verdicts.network_files import NetworkFileError, parse
from digest.analytics.verdicts.networks import NetworkClass
from digest.core import clock
from digest.core.terminal import ActionCommand
from digest.core.text import counted

CLASSES = {row.label: row for row in NetworkClass if row is not NetworkClass.OTHER}
LARGEST = 64 * 1024 * 1024  # bytes; Apple's file has 10 MB


class Command(ActionCommand):
    """Networks of scanners, data centres and proxies."""

    help = "Networks of scanners, data centres and proxies: list, load from a file, remove."

    def add_actions(self) -> None:
        """Declare the actions."""
        self.reading("list", "the lists in use, with their sources and dates")
        load = self.changing("load", "replace a list by an operator's file")
        load.add_argument("file", type=Path, metavar="FILE", help="JSON, CSV, or a network a line")
        load.add_argument("--name", default="", help="of the list (by the file's format)")
        load.add_argument("--class", dest="label", choices=CLASSES, help="(the list's, if it has)")
        remove = self.changing("remove", "delete a loaded list; a shipped one is used again")
        remove.add_argument("name", metavar="NAME")

    def do_list(self, _options: dict[str, Any]) -> None:
        """List what is in use."""
        origins = networks.origins()
        rows = [
            {
                "name": row.name,
                "class": row.network_class.label,
                "networks": len(list(row.networks)),
                "source": origins[row.name][0],
                "date": origins[row.name][1],
            }
            for row in networks.all_lists()
        ]
        columns = ("List", "Class", "Networks", "Date", "Source")
        table = [
            (row["name"], row["class"], row["networks"], row["date"], row["source"]) for row in rows
        ]
        self.answer(rows, lambda out: out.print_table(columns, table))

    def do_load(self, options: dict[str, Any]) -> None:
        """Load a file."""
        row = networks.load(
            parse(_read(options["file"])),
            source=options["file"].name,
            now=clock.now(),
            name=options["name"],
            network_class=CLASSES.get(options["label"]),
        )
        number = len(row.networks.split())
        label = NetworkClass(row.network_class).label
        self.answer(
            {"name": row.name, "class": label, "networks": number, "published": row.published},
            f"{row.name}: {counted(number, 'network')} of class {label}. "
            "They count for hits judged from now on; for those of an issue before: "
            "digest clicks rejudge ISSUE",
        )

    def do_remove(self, options: dict[str, Any]) -> None:
        """Delete a loaded list."""
        networks.remove(options["name"])
        self.answer({"name": options["name"]}, f"The loaded list {options['name']} was deleted.")


def _read(path: Path) -> str:
    """Return a file's text; NetworkFileError says why it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise NetworkFileError(f"{path} is larger than {LARGEST // 2**20} MB.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise NetworkFileError(f"{path} cannot be read as text.") from cause
