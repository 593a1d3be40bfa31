"""`digest webhook …`: addresses of other programs that are told what happened."""

from dataclasses import asdict
from typing import Any

from digest.core import clock
from digest.core.terminal import ActionCommand, Screen
from digest.newsletters.models import Publication
from digest.webhooks import registry
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook
from digest.webhooks.registry import WebhookError


class Command(ActionCommand):
    """Webhooks."""

    help = "Webhooks: add, list, test, enable, remove."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.changing("add", "tell an address of events; its secret is shown this once")
        add.add_argument("name", metavar="NAME")
        add.add_argument("url", help="https://…")
        add.add_argument(
            "--event",
            action="append",
            default=[],
            choices=list(Event),
            metavar="EVENT",
            help=f"(repeatable; all of them): {', '.join(Event)}",
        )
        add.add_argument("--publication", metavar="SLUG", help="only what happens there")
        self.reading("list", "every webhook, and how it is doing")
        for action in (
            self.reading("test", "send it an event called test now"),
            self.changing("enable", "send events to it again after it was disabled"),
            self.changing("remove", "delete it, with the events that it has not received"),
        ):
            action.add_argument("name", metavar="NAME")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a webhook."""
        webhook, secret = registry.add(
            options["name"],
            options["url"],
            options["event"] or list(Event),
            publication=_publication(options["publication"]),
            now=clock.now(),
        )
        self.answer(
            _values(webhook) | {"secret": secret},
            f"{secret}\n\nCopy this secret now: it is not shown again. It verifies signatures.\n"
            f"Try it: digest webhook test {webhook.name}",
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List webhooks."""
        webhooks = [_values(webhook) for webhook in Webhook.objects.order_by("name")]
        self.answer(webhooks, lambda out: _print_list(out, webhooks))

    def do_test(self, options: dict[str, Any]) -> None:
        """Test a webhook."""
        webhook = registry.find(options["name"])
        status = registry.test(webhook, clock.now())
        self.answer({"name": webhook.name, "status": status}, f"{webhook.url} answered {status}.")

    def do_enable(self, options: dict[str, Any]) -> None:
        """Enable a webhook."""
        webhook = registry.find(options["name"])
        registry.enable(webhook)
        self.answer(_values(webhook), f"{webhook.name} receives events again.")

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a webhook."""
        webhook = registry.find(options["name"])
        webhook.delete()
        self.answer({"removed": webhook.name}, f"{webhook.name} was removed.")


def _publication(slug: str | None) -> Publication | None:
    if slug is None:
        return None
    if publication := Publication.objects.filter(slug=slug).first():
        return publication
    raise WebhookError(f"There is no publication {slug!r}.")


def _values(webhook: Webhook) -> dict[str, Any]:
    return {
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events,
        "publication": webhook.publication.slug if webhook.publication else None,
        "note": webhook.note,
        **asdict(registry.status_of(webhook)),
    }


def _print_list(out: Screen, webhooks: list[dict[str, Any]]) -> None:
    columns = ("name", "url", "state", "waiting", "delivered", "given_up", "note")
    rows = [[webhook[column] for column in columns] for webhook in webhooks]
    titles = ("Webhook", "Address", "State", "Waiting", "Delivered", "Given up", "Note")
    out.print_table(
        titles,
        rows,
        empty="There are no webhooks yet. Add one: digest webhook add NAME https://…",
    )
