"""`digest bulk …`: changes to many subscribers, previewed before they are made."""

import json
from typing import Any

from django.core.management.base import CommandParser

from digest.accounts.models import User
from digest.bulk import previewing, running
from digest.bulk.actions import action_of
from digest.bulk.errors import BulkError, InvalidChangeError
from digest.bulk.models import BulkChange
from digest.bulk.preparing import Selection, prepare
from digest.bulk.previewing import Group, Preview
from digest.core import addresses, clock
from digest.core.terminal import ActionCommand, Screen, add_flag, details_table
from digest.newsletters.models import Publication
from digest.newsletters.setup import find_publication
from digest.subscribers import consent

State = BulkChange.State
MOST = 50  # changes in a list


class Command(ActionCommand):
    """Bulk changes."""

    help = "Changes to many subscribers: preview, apply, stop, undo, list."

    def add_actions(self) -> None:
        """Name the actions."""
        _add_preview(self.changing("preview", "say what a change would do; it is stored for a day"))
        apply = self.changing("apply", "make a change that was previewed")
        apply.add_argument(
            "--number", default="", metavar="NUMBER", help="how many are selected, to erase them"
        )
        for parser in (
            apply,
            self.changing("stop", "stop a change; what is changed stays so"),
            self.changing("undo", "give those who changed back what they had"),
            self.changing("discard", "delete a change that was not applied"),
            self.reading("show", "what a change did, or how far it is"),
        ):
            parser.add_argument("id", type=int, metavar="ID")
        listing = self.reading("list", "the changes of the last 90 days, the newest first")
        listing.add_argument("--publication", metavar="SLUG", help="only of this publication")

    def do_preview(self, options: dict[str, Any]) -> None:
        """Store a draft, and say what it would do."""
        publication = find_publication(options["publication"])
        names = ("tag", "attribute", "value", "newsletter", "until")
        change = prepare(
            publication,
            _selection(publication, options),
            options["kind"],
            {name: options[name] for name in names},
            user=_user(options["user"]) if options["user"] else None,
            now=clock.now(),
        )
        preview = previewing.preview(change)
        values = _values(change) | {
            "changing": _group_values(preview.changing),
            "not_changing": [_group_values(group) for group in preview.refused],
            "warning": action_of(change).warning,
        }
        self.answer(values, lambda out: _print_preview(out, change, preview))

    def do_apply(self, options: dict[str, Any]) -> None:
        """Begin a change."""
        change = _find(options["id"])
        running.begin(change, clock.now(), entered=options["number"])
        self._report(change)

    def do_stop(self, options: dict[str, Any]) -> None:
        """Stop a change."""
        change = _find(options["id"])
        running.stop(change, clock.now())
        self._report(change)

    def do_undo(self, options: dict[str, Any]) -> None:
        """Undo a change."""
        change = _find(options["id"])
        running.undo(change, clock.now())
        self._report(change)

    def do_discard(self, options: dict[str, Any]) -> None:
        """Delete a draft."""
        change = _find(options["id"])
        running.discard(change)
        self.answer({"discarded": options["id"]}, "Discarded. Nothing was changed.")

    def do_show(self, options: dict[str, Any]) -> None:
        """Show a change."""
        self._report(_find(options["id"]))

    def do_list(self, options: dict[str, Any]) -> None:
        """List changes."""
        rows = BulkChange.objects.exclude(kind="").select_related("publication").order_by("-pk")
        if slug := options["publication"]:
            rows = rows.filter(publication=find_publication(slug))
        values = [_values(row) for row in rows[:MOST]]
        columns = ("id", "publication", "description", "selected", "changed", "state")
        cells = [[row[column] for column in columns] for row in values]
        titles = [column.capitalize() for column in columns]
        empty = "No changes yet. `digest bulk preview --help` tells how to prepare one."
        self.answer(values, lambda out: out.print_table(titles, cells, empty=empty))

    def _report(self, change: BulkChange) -> None:
        change.refresh_from_db()
        self.answer(_values(change), lambda out: _print(out, change))


def _add_preview(parser: CommandParser) -> None:
    kinds = BulkChange.Kind
    parser.add_argument("kind", choices=kinds.values, metavar="KIND", help=", ".join(kinds.values))
    parser.add_argument("--publication", metavar="SLUG", required=True)
    selection = parser.add_mutually_exclusive_group(required=True)
    selection.add_argument("--segment", metavar="NAME", help="those of a segment")
    selection.add_argument("--rules", metavar="JSON", help="as the API takes them")
    selection.add_argument(
        "--subscriber", action="append", metavar="ADDRESS", help="this one (repeatable)"
    )
    add_flag(selection, "--everybody", "every subscriber")
    parser.add_argument("--tag", default="", metavar="TAG", help="of add-tag and remove-tag")
    parser.add_argument("--attribute", default="", metavar="KEY", help="of attribute")
    parser.add_argument("--value", default="", help="of attribute; without it, it is removed")
    parser.add_argument("--newsletter", default="", metavar="SLUG", help="of invite and remove")
    parser.add_argument("--until", default="", metavar="YYYY-MM-DD", help="of pause")
    parser.add_argument("--as", dest="user", metavar="ADDRESS", help="your account")


def _selection(publication: Publication, options: dict[str, Any]) -> Selection:
    now = clock.now()
    if name := options["segment"]:
        if segment := publication.segments.filter(name=name).first():
            return Selection.of_segment(segment, now)
        raise InvalidChangeError(f"There is no segment “{name}” in {publication.slug}.")
    if options["subscriber"]:
        return Selection.of_ids([_subscriber_id(address) for address in options["subscriber"]])
    return Selection.of_rules(publication, _rules(options), now)


def _rules(options: dict[str, Any]) -> object:
    if options["everybody"]:
        return {"rules": []}
    try:
        return json.loads(options["rules"])
    except ValueError as problem:
        raise InvalidChangeError(f"The rules are not JSON: {problem}.") from problem


def _subscriber_id(text: str) -> int:
    return consent.find_subscriber(addresses.parse(text)).pk


def _user(email: str) -> User:
    if user := User.objects.with_address(email).filter(is_active=True).first():
        return user
    raise InvalidChangeError(f"There is no account {email!r}.")


def _find(change_id: int) -> BulkChange:
    rows = BulkChange.objects.select_related("publication").exclude(kind="")
    if row := rows.filter(pk=change_id).first():
        return row
    raise BulkError(f"There is no change {change_id}. `digest bulk list` shows them.")


def _values(change: BulkChange) -> dict[str, Any]:
    names = ("selection", "selected", "kind", "state", "changed", "restored", "note")
    moments = {
        name: clock.format_moment(value) if (value := getattr(change, name)) else None
        for name in ("begun_at", "finished_at", "undone_at")
    }
    return {
        "id": change.pk,
        "publication": change.publication.slug,
        "description": action_of(change).describe(change),
        **{name: getattr(change, name) for name in names},
        "not_changed": change.reasons,
        **moments,
        "can_undo": running.can_undo(change, clock.now()),
    }


def _group_values(group: Group) -> dict[str, Any]:
    return {
        "reason": group.reason,
        "number": group.count.number,
        "exact": group.count.is_exact,
        "examples": list(group.examples),
    }


def _print_preview(out: Screen, change: BulkChange, preview: Preview) -> None:
    action = action_of(change)
    out.print(f"{action.describe(change)}: {change.selected:,} selected. {change.selection}.")
    groups = [("Change", preview.changing)]
    groups += [(f"Stay: they {group.reason}", group) for group in preview.refused]
    cells = [(label, str(group.count), ", ".join(group.examples)) for label, group in groups]
    out.print_table(("What will happen", "Subscribers", "Examples"), cells)
    if action.warning:
        out.print(action.warning)
    number = f" --number {change.selected}" if running.needs_number(change) else ""
    out.print(f"Nothing is changed yet. Apply it: digest bulk apply {change.pk}{number}")


def _print(out: Screen, change: BulkChange) -> None:
    rows = [
        ("Change", f"{change.pk}: {action_of(change).describe(change)}"),
        ("Of", f"{change.selection} ({change.publication.slug})"),
        ("State", State(change.state).label),
        ("Changed", f"{change.changed:,} of {change.selected:,}"),
        ("Restored", f"{change.restored:,}" if change.restored else ""),
        ("Stopped", change.note),
    ]
    rows += [(f"Not changed: {reason}", number) for reason, number in change.reasons.items()]
    out.print(details_table(rows))
    if change.state in {State.RUNNING, State.UNDOING}:
        out.print(f"A worker goes on. `digest bulk show {change.pk}` tells how far it is.")
    elif running.can_undo(change, clock.now()):
        out.print(f"It can be undone for seven days: digest bulk undo {change.pk}")
