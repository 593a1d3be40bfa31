"""`digest segment …`: the segments of a publication, and who belongs to them."""

from typing import Any

from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.newsletters.audiences.models import Segment
from digest.newsletters.setup import find_publication
from digest.subscribers.errors import SubscriberError
from digest.subscribers.segments import counting, saving, wording
from digest.subscribers.segments.fields import catalog_of


class Command(ActionCommand):
    """Segments."""

    help = "Segments: list, show, delete. The console and the API build them."

    def add_actions(self) -> None:
        """Name the actions."""
        rows = self.reading("list", "the segments of a publication")
        rows.add_argument("--publication", metavar="SLUG", required=True)
        show = self.reading("show", "the rules of a segment, how many belong to it, and the first")
        delete = self.changing("delete", "delete a segment that nothing uses")
        for parser in (show, delete):
            parser.add_argument("name")
            parser.add_argument("--publication", metavar="SLUG", required=True)

    def do_list(self, options: dict[str, Any]) -> None:
        """List segments."""
        publication = find_publication(options["publication"])
        catalog = catalog_of(publication, suggests=False)
        values = [
            {"name": row.name, "rules": wording.describe_document(catalog, row.rules)}
            for row in publication.segments.all()
        ]
        rows = [[*value.values()] for value in values]
        empty = "No segments yet."
        self.answer(values, lambda out: out.print_table(("Name", "Rules"), rows, empty=empty))

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a segment."""
        row = _find(options)
        catalog = catalog_of(row.publication, suggests=False)
        members = saving.members_of(row, clock.now())
        count = counting.count(members, [row.publication_id])
        values = {
            "name": row.name,
            "description": wording.describe_document(catalog, row.rules),
            "rules": row.rules,
            "subscribers": count.number,
            "exact": count.is_exact,
            "first": [
                subscriber.email for subscriber in counting.preview(members, [row.publication_id])
            ],
        }
        self.answer(values, lambda out: _print(out, values, str(count)))

    def do_delete(self, options: dict[str, Any]) -> None:
        """Delete a segment."""
        row = _find(options)
        saving.delete(row)
        self.answer({"deleted": row.name}, f"The segment “{row.name}” was deleted.")


def _find(options: dict[str, Any]) -> Segment:
    publication = find_publication(options["publication"])
    if row := publication.segments.filter(name=options["name"]).first():
        return row
    raise SubscriberError(f"There is no segment “{options['name']}” in {publication.slug}.")


def _print(out: Screen, values: dict[str, Any], count: str) -> None:
    out.print(f"{values['description']}.")
    out.print(f"Subscribers: {count}")
    for email in values["first"]:
        out.print(f"  {email}")
