"""`digest subscriber …`: subscribers, one by one and by the list."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from digest.cli import import_options, lookup
from digest.cli.errors import UsageError
from digest.core import addresses, clock
from digest.core.files import explain_writing
from digest.core.terminal import ActionCommand, Screen, add_flag, details_table
from digest.core.text import counted
from digest.newsletters.models import Newsletter
from digest.selfservice import erasure, signups
from digest.selfservice.data_export import export_subscriber, export_subscription
from digest.subscribers import consent, exporting
from digest.subscribers.importing import import_csv
from digest.subscribers.models import Subscriber, Subscription

VIA = "command line"
MOST_ROWS = 20  # refused rows, or deliveries, on the screen
INVITED = "A mail asks them to confirm; until they do, they receive nothing."
NOT_INVITED = (
    "No mail was sent: this address had one within the hour, or must not be mailed (see "
    "`digest subscriber show`)."
)
ASK_CONSENT = "How and when did these people agree to be mailed? "


class Command(ActionCommand):
    """Subscribers."""

    help = "Subscribers: add, import, export, show, unsubscribe, erase."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "add one subscriber to a newsletter")
        add.add_argument("address")
        add.add_argument("--newsletter", metavar="SLUG", required=True)
        add.add_argument("--name", default="")
        add_flag(add, "--confirmed", "their wish is proven: they receive it")
        add_flag(add, "--again", "they left, and asked in person to come back")
        add.add_argument("--wording", default="", help="what they agreed to, kept as evidence")

        import_options.add_to(
            self.changing("import", "add the subscribers in a CSV file to a newsletter")
        )

        export = self.changing("export", "write subscribers as CSV")
        export.add_argument("--newsletter", metavar="SLUG")
        export.add_argument("--output", type=Path, metavar="FILE", help="instead of the screen")

        show = self.reading("show", "all that is known about one subscriber")
        show.add_argument("address")

        leave = self.changing("unsubscribe", "let a subscriber leave one newsletter, or all")
        leave.add_argument("address")
        leave.add_argument("--newsletter", metavar="SLUG")

        erase = self.changing("erase", "erase a subscriber at their own wish, for good")
        erase.add_argument("address")
        add_flag(erase, "--yes", "do not ask")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add one subscriber: at once if their wish is proven, otherwise by asking them."""
        address = addresses.parse(options["address"])
        newsletter = lookup.newsletter(options["newsletter"])
        details = {"via": VIA, "wording": options["wording"], "name": options["name"]}
        subscription = consent.subscribe(
            address,
            newsletter,
            confirmed=options["confirmed"],
            allow_resubscribe=options["again"],
            now=clock.now(),
            **details,
        )
        state = Subscription.State(subscription.state)
        message = f"{subscription}: {state.label}."
        if state is not Subscription.State.ACTIVE:
            notice = signups.invite(address, [newsletter], now=clock.now(), **details)
            message += f"\n{INVITED if notice else NOT_INVITED}"
        self.answer(export_subscription(subscription), message)

    def do_import(self, options: dict[str, Any]) -> None:
        """Import a list, or say what an import would do."""
        newsletter = lookup.newsletter(options["newsletter"])
        consent = options["consent"]
        if not (consent or options["dry_run"]):
            consent = self._ask_consent()
        with self.progress() as progress:
            bar = progress.add_task("Importing", total=None)
            report = import_csv(
                options["file"],
                newsletter,
                consent=consent,
                refused_to=options["report"],
                now=clock.now(),
                on_progress=lambda done, size: progress.update(bar, completed=done, total=size),
                **import_options.read(options),
            )
        self.answer(
            import_options.values(report),
            lambda out: import_options.print_report(out, report, options["report"]),
        )

    def do_export(self, options: dict[str, Any]) -> None:
        """Export subscribers."""
        slug, output = options["newsletter"], options["output"]
        newsletter = lookup.newsletter(slug) if slug else None
        if self.json and not output:
            raise UsageError("Where should the CSV go? Name a file with --output.")
        count = self._export(newsletter, output)
        if output:
            self.answer(
                {"rows": count, "file": output}, f"{counted(count, 'row')} written to {output}."
            )

    def do_show(self, options: dict[str, Any]) -> None:
        """Show one subscriber."""
        address = addresses.parse(options["address"])
        subscriber = consent.find_subscriber(address)
        values = export_subscriber(subscriber, MOST_ROWS)
        self.answer(values, lambda out: _print_subscriber(out, values))

    def do_unsubscribe(self, options: dict[str, Any]) -> None:
        """Let a subscriber leave."""
        subscriber = consent.find_subscriber(addresses.parse(options["address"]))
        left = [
            newsletter.slug
            for newsletter in _newsletters_of(subscriber, options["newsletter"])
            if consent.unsubscribe(subscriber.pk, newsletter.pk, via=VIA, ip=None, now=clock.now())
        ]
        message = (
            f"{subscriber} has left {', '.join(left)}."
            if left
            else f"{subscriber} had left already."
        )
        self.answer({"email": subscriber.email, "left": left}, message)

    def do_erase(self, options: dict[str, Any]) -> None:
        """Erase a subscriber."""
        subscriber = consent.find_subscriber(addresses.parse(options["address"]))
        if not (options["yes"] or self._sure(f"Erase all that is known of {subscriber}?")):
            raise UsageError("Nothing was erased.")
        erasure.erase(subscriber.pk, clock.now())
        self.answer(
            {"erased": True},
            "Erased. A keyed hash stays, so that no list brings them back; their own wish does.",
        )

    def _sure(self, question: str) -> bool:
        """Ask a person; where there is none, --yes is needed."""
        if self.json or not sys.stdin.isatty():
            raise UsageError(f"{question} Say so with --yes.")
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def _ask_consent(self) -> str:
        """Ask the person at the terminal what consent the publisher holds."""
        if self.json or not sys.stdin.isatty():
            raise UsageError("How and when did these people agree? Say so with --consent TEXT.")
        consent = ""
        while not consent:
            consent = input(ASK_CONSENT).strip()
        return consent

    def _export(self, newsletter: Newsletter | None, output: Path | None) -> int:
        if output is None:
            return exporting.export_csv(newsletter, self.stdout)
        with (
            explain_writing(output, UsageError),
            output.open("w", encoding="utf-8", newline="") as stream,
        ):
            return exporting.export_csv(newsletter, stream)


def _newsletters_of(subscriber: Subscriber, slug: str | None) -> QuerySet[Newsletter]:
    subscribed = Newsletter.objects.filter(subscriptions__subscriber=subscriber).order_by("slug")
    return subscribed.filter(pk=lookup.newsletter(slug).pk) if slug else subscribed


def _print_subscriber(out: Screen, values: dict[str, Any]) -> None:
    out.print(
        details_table(
            [
                ("Address", values["email"]),
                ("Name", values["name"]),
                ("Known since", clock.format_moment(values["known_since"])),
            ]
        )
    )
    for heading, columns in _LISTS.items():
        rows = values[heading.lower()]
        out.print(f"\n{heading}" if rows else f"\n{heading}: none.")
        if rows:
            out.print_table(columns, ([_cell(row, name) for name in columns] for row in rows))


_LISTS = {
    "Subscriptions": ("Newsletter", "State", "Confirmed at", "Unsubscribed at", "Paused until"),
    "Suppressions": ("Newsletter", "Reason", "Evidence", "Since"),
    "Consent": ("At", "Action", "Newsletter", "Via", "IP", "Wording"),
    "Deliveries": ("Issue", "Newsletter", "Slot", "State", "At", "Attempts", "Reply"),
}


def _cell(row: dict[str, Any], column: str) -> Any:
    value = row[column.lower().replace(" ", "_")]
    if value is None and column == "Newsletter":
        return "every newsletter"
    return clock.format_moment(value) if isinstance(value, datetime) else value
