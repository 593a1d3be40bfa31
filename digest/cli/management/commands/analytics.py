"""`digest analytics …`: page views from the sites' own analytics."""

from pathlib import Path
from typing import Any

from django.forms.models import model_to_dict

from digest.analytics.models import SiteConnection
from digest.analytics.site import collecting, connections
from digest.analytics.site.kinds import KINDS, LABELS
from digest.cli.errors import UsageError
from digest.core import clock
from digest.core.files import explain_reading
from digest.core.terminal import ActionCommand, Screen
from digest.core.text import counted
from digest.newsletters import setup

_FIELDS = ("kind", "address", "site", "collected_at", "pages", "matched", "problem")


class Command(ActionCommand):
    """Site analytics."""

    help = "Site analytics: connect a publication's, list them, fetch page views now."

    def add_actions(self) -> None:
        """Name the actions."""
        connect = self.changing("connect", "connect a publication, or change how it is connected")
        connect.add_argument("publication", metavar="SLUG")
        connect.add_argument("kind", choices=list(KINDS))
        connect.add_argument("--address", default="", help="of the installation or the feed")
        connect.add_argument("--site", default="", help="the domain, id or property")
        connect.add_argument("--username", default="")
        connect.add_argument(
            "--secret-file", metavar="FILE", type=Path, help="holds the key, token or key file"
        )
        self.reading("list", "every connection, and what it brought last")
        fetch = self.changing("fetch", "fetch page views now, and say what was matched")
        fetch.add_argument("publication", metavar="SLUG")
        disconnect = self.changing("disconnect", "delete a connection with its key")
        disconnect.add_argument("publication", metavar="SLUG")

    def do_connect(self, options: dict[str, Any]) -> None:
        """Connect."""
        publication = setup.find_publication(options["publication"])
        values = {name: options[name] for name in ("address", "site", "username")}
        if options["secret_file"]:
            with explain_reading(options["secret_file"], UsageError):
                values["secret"] = options["secret_file"].read_text("utf-8")
        row = connections.connect(publication, options["kind"], values, clock.now())
        self.answer(
            _values(row), f"{LABELS[row.kind]} is connected. `digest analytics fetch` tries it."
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List connections."""
        rows = SiteConnection.objects.select_related("publication").order_by("pk")
        values = [_values(row) for row in rows]
        self.answer(values, lambda out: _print_list(out, values))

    def do_fetch(self, options: dict[str, Any]) -> None:
        """Fetch page views."""
        outcome = collecting.collect(_connection(options["publication"]), clock.now())
        values = {
            "pages": outcome.pages,
            "matched": outcome.matched,
            "timed": outcome.timed,
            "unknown": list(outcome.unknown),
        }
        summary = f"{counted(outcome.pages, 'page')}, {outcome.matched:,} of them articles."
        lines = [summary, *(f"  not an article: {url}" for url in outcome.unknown)]
        self.answer(values, "\n".join(lines))

    def do_disconnect(self, options: dict[str, Any]) -> None:
        """Disconnect."""
        row = _connection(options["publication"])
        row.delete()
        self.answer({"publication": row.publication.slug, "connected": False}, "Disconnected.")


def _connection(slug: str) -> SiteConnection:
    publication = setup.find_publication(slug)
    rows = SiteConnection.objects.filter(publication=publication)
    if row := rows.select_related("publication").first():
        return row
    raise UsageError(f"{slug} is not connected. Connect it with `digest analytics connect`.")


def _values(row: SiteConnection) -> dict[str, Any]:
    return {
        "publication": row.publication.slug,
        **model_to_dict(row, _FIELDS),
    }


def _print_list(out: Screen, values: list[dict[str, Any]]) -> None:
    rows = [
        (
            value["publication"],
            value["kind"],
            value["site"] or value["address"],
            clock.format_moment(value["collected_at"]) if value["collected_at"] else "never",
            f"{value['matched']:,} of {value['pages']:,}",
            value["problem"],
        )
        for value in values
    ]
    columns = ("publication", "kind", "site", "last answer", "articles", "problem")
    out.print_table(columns, rows, empty="No publication is connected.")
