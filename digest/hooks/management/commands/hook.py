"""`digest hook …`: addresses of other programs that are told what happened."""

from dataclasses import asdict
from typing import Any

from rich.console import Console

from digest.core import clock
from digest.core.terminal import ActionCommand, table
from digest.hooks import roster
from digest.hooks.models import Event, WebHook
from digest.hooks.roster import HookError
from digest.newsletters.models import Publication


class Command(ActionCommand):
    """Hooks."""

    help = "Webhooks: add, list, test, enable, remove."

    def add_actions(self) -> None:
        """Name the actions."""
        add = self.action("add", "tell an address of events; its secret is shown this once")
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
        self.action("list", "every hook, and how it is doing")
        for name, line in (
            ("test", "send it an event called test now"),
            ("enable", "tell it again after it was disabled"),
            ("remove", "forget it, and what it was still to be told"),
        ):
            self.action(name, line).add_argument("name", metavar="NAME")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a hook."""
        hook, secret = roster.add(
            options["name"],
            options["url"],
            options["event"] or list(Event),
            publication=_publication(options["publication"]),
            now=clock.now(),
        )
        self.answer(
            _facts(hook) | {"secret": secret},
            f"{secret}\n\nKeep it now, to verify signatures with: it is never shown again.\n"
            f"Try it: digest hook test {hook.name}",
        )

    def do_list(self, _options: dict[str, Any]) -> None:
        """List hooks."""
        known = [_facts(hook) for hook in WebHook.objects.order_by("name")]
        self.answer(known, lambda out: _say_list(out, known))

    def do_test(self, options: dict[str, Any]) -> None:
        """Test a hook."""
        hook = roster.find(options["name"])
        status = roster.test(hook, clock.now())
        self.answer({"name": hook.name, "status": status}, f"{hook.url} answered {status}.")

    def do_enable(self, options: dict[str, Any]) -> None:
        """Enable a hook."""
        hook = roster.find(options["name"])
        roster.enable(hook)
        self.answer(_facts(hook), f"{hook.name} is told again.")

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a hook."""
        hook = roster.find(options["name"])
        hook.delete()
        self.answer({"removed": hook.name}, f"{hook.name} is forgotten.")


def _publication(slug: str | None) -> Publication | None:
    if slug is None:
        return None
    if found := Publication.objects.filter(slug=slug).first():
        return found
    raise HookError(f"There is no publication {slug!r}.")


def _facts(hook: WebHook) -> dict[str, Any]:
    return {
        "name": hook.name,
        "url": hook.url,
        "events": hook.events,
        "publication": hook.publication.slug if hook.publication else None,
        "note": hook.note,
        **asdict(roster.standing(hook)),
    }


def _say_list(out: Console, known: list[dict[str, Any]]) -> None:
    if not known:
        out.print("There is no hook yet. Add one: digest hook add NAME https://…")
        return
    columns = ("name", "url", "state", "waiting", "told", "given_up", "note")
    rows = [[one[column] for column in columns] for one in known]
    titles = ("Hook", "Address", "State", "Waiting", "Told", "Given up", "Note")
    out.print(table(titles, rows))
