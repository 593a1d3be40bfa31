"""`digest connector …`: systems in which articles are written."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from digest.accounts.models import User
from digest.connectors import bundles, catching_up, receiving, registry
from digest.connectors.errors import ConnectorError
from digest.connectors.models import Connection
from digest.core import clock
from digest.core.terminal import ActionCommand, Screen, details_table
from digest.core.text import counted
from digest.newsletters.models import Newsletter, Publication

RECENT_EVENTS = 20  # shown with a connection


class Command(ActionCommand):
    """Connections."""

    help = "Systems that articles come from: add, list, fetch, remove; WordPress and Wagtail files."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "give a system an address; its secret is shown this once")
        add.add_argument("name", metavar="NAME")
        add.add_argument("kind", choices=Connection.Kind.values)
        add.add_argument("--publication", metavar="SLUG", required=True)
        add.add_argument(
            "--newsletter",
            action="append",
            default=[],
            metavar="SLUG",
            help="that uses its articles (repeatable; all of the publication)",
        )
        add.add_argument("--as", dest="user", required=True, metavar="ADDRESS", help="your account")
        add.add_argument("--site", default="", metavar="URL", help="of Ghost, for its Content API")
        add.add_argument("--key-file", type=Path, metavar="FILE", help="holds the Content API key")
        self.reading("list", "every connection, and how it is doing")
        self.reading("show", "one connection, and what it reported lately").add_argument(
            "name", metavar="NAME"
        )
        for action in (
            self.changing("fetch", "ask Ghost now for posts that changed"),
            self.changing("remove", "delete it; its articles stay"),
        ):
            action.add_argument("name", metavar="NAME")
        for name, summary in (
            ("wordpress", "write the WordPress plugin, a zip"),
            ("wagtail", "write the module for Wagtail, a Python file"),
        ):
            self.reading(name, summary).add_argument("file", type=Path, metavar="FILE")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a connection."""
        publication = _publication(options["publication"])
        key_file: Path | None = options["key_file"]
        connection, secret = registry.add(
            options["name"],
            options["kind"],
            publication,
            _user(options["user"]),
            clock.now(),
            newsletters=_newsletters(publication, options["newsletter"]),
            site_url=options["site"],
            key=_read(key_file) if key_file else "",
        )
        address = receiving.address_of(connection)
        self.answer(
            _values(connection) | {"address": address, "secret": secret},
            f"Address: {address}\nSecret:  {secret}\n\n"
            "Copy the secret now: it is not shown again. Enter both in the system.",
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List connections."""
        rows = Connection.objects.select_related("publication").order_by("name")
        connections = [_values(connection) for connection in rows]
        self.answer(connections, lambda out: _print_list(out, connections))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a connection and its last events."""
        connection = registry.find(options["name"])
        events = [
            {
                "received_at": clock.format_moment(event.received_at),
                "action": event.action,
                "title": event.title,
                "outcome": event.outcome or "waiting",
                "problem": event.problem,
            }
            for event in connection.events.order_by("-pk")[:RECENT_EVENTS]
        ]
        values = _values(connection) | {
            "address": receiving.address_of(connection),
            "site_url": connection.site_url,
            "events": events,
        }
        self.answer(values, lambda out: _print(out, values))

    def do_fetch(self, options: dict[str, Any]) -> None:
        """Ask Ghost for posts."""
        stored = catching_up.catch_up(registry.find(options["name"]), clock.now())
        self.answer({"stored": stored}, f"On the way in: {counted(stored, 'changed post')}.")

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a connection."""
        connection = registry.find(options["name"])
        connection.delete()
        self.answer({"removed": connection.name}, f"{connection.name} was removed.")

    def do_wordpress(self, options: dict[str, Any]) -> None:
        """Write the plugin."""
        self._write(options["file"], bundles.wordpress_plugin(), "Upload it under Plugins.")

    def do_wagtail(self, options: dict[str, Any]) -> None:
        """Write the module."""
        module = bundles.wagtail_module().encode()
        self._write(options["file"], module, "Its first lines say where it belongs.")

    def _write(self, path: Path, content: bytes, advice: str) -> None:
        try:
            path.write_bytes(content)
        except OSError as cause:
            raise ConnectorError(f"{path} cannot be written: {cause.strerror}.") from cause
        values = {"file": str(path), "bytes": len(content)}
        self.answer(values, f"{path}: {len(content):,} bytes. {advice}")


def _publication(slug: str) -> Publication:
    if publication := Publication.objects.filter(slug=slug).first():
        return publication
    raise ConnectorError(f"There is no publication {slug!r}.")


def _newsletters(publication: Publication, slugs: list[str]) -> list[Newsletter]:
    newsletters = list(publication.newsletters.order_by("slug"))
    if unknown := set(slugs) - {newsletter.slug for newsletter in newsletters}:
        raise ConnectorError(f"{publication} has no newsletter {min(unknown)!r}.")
    return [newsletter for newsletter in newsletters if not slugs or newsletter.slug in slugs]


def _user(email: str) -> User:
    if user := User.objects.with_address(email).filter(is_active=True).first():
        return user
    raise ConnectorError(f"There is no account {email!r}.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise ConnectorError(f"{path} cannot be read.") from cause


def _values(connection: Connection) -> dict[str, Any]:
    names = ("name", "kind", "problem")
    return {
        **{name: getattr(connection, name) for name in names},
        "publication": connection.publication.slug,
        **asdict(registry.status_of(connection)),
    }


def _print(out: Screen, values: dict[str, Any]) -> None:
    names = ("name", "kind", "publication", "address", "site_url", "waiting", "settled", "failed")
    rows = [(name.replace("_", " ").capitalize(), values[name]) for name in (*names, "problem")]
    out.print(details_table(rows))
    columns = ("received_at", "action", "title", "outcome", "problem")
    titles = [name.replace("_", " ").capitalize() for name in columns]
    cells = [[event[name] for name in columns] for event in values["events"]]
    out.print_table(titles, cells, empty="It has not reported anything yet.")


def _print_list(out: Screen, connections: list[dict[str, Any]]) -> None:
    columns = ("name", "kind", "publication", "waiting", "settled", "failed", "problem")
    titles = ("Connection", "Kind", "Publication", "Waiting", "Settled", "Failed", "Problem")
    rows = [[connection[column] for column in columns] for connection in connections]
    out.print_table(
        titles,
        rows,
        empty="There are no connections yet. Add one: digest connector add NAME ghost|webhook",
    )
