"""`digest attribute …`: what a publication knows of its subscribers."""

from typing import Any

from digest.core import clock
from digest.core.terminal import ActionCommand
from digest.newsletters.audiences.models import Attribute
from digest.newsletters.models import Publication
from digest.newsletters.setup import find_publication
from digest.subscribers import attributes
from digest.subscribers.errors import SubscriberError

_COLUMNS = ("key", "label", "kind", "choices", "access")


class Command(ActionCommand):
    """Attributes."""

    help = "Attributes of subscribers: list, add, change, delete."

    def add_actions(self) -> None:
        """Name the actions."""
        rows = self.reading("list", "the attributes of a publication")
        rows.add_argument("--publication", metavar="SLUG", required=True)
        add = self.changing("add", "define an attribute; its key and type never change")
        add.add_argument("name", help="for people: City")
        add.add_argument("--publication", metavar="SLUG", required=True)
        add.add_argument("--type", dest="kind", choices=Attribute.Kind.values, required=True)
        add.add_argument("--key", default="", help="in imports and the API (else from the name)")
        change = self.changing("set", "change an attribute")
        change.add_argument("key")
        change.add_argument("--publication", metavar="SLUG", required=True)
        change.add_argument("--name", help="for people")
        for parser in (add, change):
            parser.add_argument("--choice", action="append", metavar="TEXT", help="once for each")
            parser.add_argument(
                "--access",
                choices=Attribute.Access.values,
                help="what subscribers may do with theirs, on the preferences page",
            )
        delete = self.changing("delete", "delete an attribute with every value")
        delete.add_argument("key")
        delete.add_argument("--publication", metavar="SLUG", required=True)

    def do_list(self, options: dict[str, Any]) -> None:
        """List attributes."""
        rows = attributes.attributes_of(find_publication(options["publication"]).pk).values()
        values = [_values(row) for row in rows]
        cells = [[*map(_cell, value.values())] for value in values]
        self.answer(
            values,
            lambda out: out.print_table(
                [name.capitalize() for name in _COLUMNS], cells, empty="No attributes yet."
            ),
        )

    def do_add(self, options: dict[str, Any]) -> None:
        """Define an attribute."""
        row = attributes.define(
            find_publication(options["publication"]),
            label=options["name"],
            kind=options["kind"],
            key=options["key"],
            choices=options["choice"] or (),
            access=options["access"] or Attribute.Access.NONE,
            now=clock.now(),
        )
        self.answer(_values(row), f"“{row}” can be set now; its key is {row.key}.")

    def do_set(self, options: dict[str, Any]) -> None:
        """Change an attribute."""
        row = _find(find_publication(options["publication"]), options["key"])
        attributes.change(
            row, label=options["name"], choices=options["choice"], access=options["access"]
        )
        self.answer(_values(row), f"“{row}” was changed.")

    def do_delete(self, options: dict[str, Any]) -> None:
        """Delete an attribute."""
        row = _find(find_publication(options["publication"]), options["key"])
        attributes.delete(row)
        self.answer({"deleted": row.key}, f"“{row}” and its values were deleted.")


def _find(publication: Publication, key: str) -> Attribute:
    if row := attributes.attributes_of(publication.pk).get(key):
        return row
    raise SubscriberError(f"There is no attribute {key!r} in {publication.slug}.")


def _values(row: Attribute) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS}


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
