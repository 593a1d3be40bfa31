"""`digest mailbox …`: the mailboxes that mail returns to, polled by IMAP or POP."""

from typing import Any

from digest.bounces.mailboxes import polling, registry
from digest.bounces.mailboxes.errors import MailboxError
from digest.bounces.models import Mailbox
from digest.core import clock
from digest.core.terminal import ActionCommand, add_flag
from digest.core.text import counted


class Command(ActionCommand):
    """Mailboxes."""

    help = "Mailboxes that bounces return to: add, set, list, check, poll, remove."

    def add_actions(self) -> None:
        """Declare the actions."""
        add = self.changing("add", "poll it from now on")
        add.add_argument("name", metavar="NAME")
        add.add_argument("url", help="imaps://user:password@host/INBOX?move_to=Done, pop3s://…")
        change = self.changing("set", "change its address, or whether it is polled")
        change.add_argument("name", metavar="NAME")
        change.add_argument("--url", default="", help="a new address")
        use = change.add_mutually_exclusive_group()
        use.add_argument("--off", dest="active", action="store_false", default=None)
        add_flag(use, "--on", "poll it (again)", dest="active")
        self.reading("list", "all mailboxes and their state")
        for action, name, summary in (
            (self.reading, "check", "sign in and count its messages, without changing any"),
            (self.changing, "poll", "poll it now"),
            (self.changing, "remove", "delete it here; its messages stay on its server"),
        ):
            action(name, summary).add_argument("name", metavar="NAME")

    def do_add(self, options: dict[str, Any]) -> None:
        """Add a mailbox."""
        mailbox = registry.add(options["name"], options["url"], clock.now())
        self.answer(_mailbox_values(mailbox), f"{mailbox.name} is polled every minute from now on.")

    def do_set(self, options: dict[str, Any]) -> None:
        """Change a mailbox."""
        mailbox = registry.find(options["name"])
        registry.change(mailbox, clock.now(), url=options["url"], active=options["active"])
        state = "is polled every minute" if mailbox.active else "is not polled"
        self.answer(_mailbox_values(mailbox), f"{mailbox.name} {state}.")

    def do_list(self, _options: dict[str, Any]) -> None:
        """List mailboxes."""
        rows = [_mailbox_values(mailbox) for mailbox in Mailbox.objects.order_by("name")]
        columns = ("Mailbox", "Address", "State", "Polled", "Problem")
        cells = [
            (row["name"], row["address"], row["state"], row["polled"], row["problem"])
            for row in rows
        ]
        self.answer(
            rows, lambda out: out.print_table(columns, cells, "There is no mailbox to poll.")
        )

    def do_check(self, options: dict[str, Any]) -> None:
        """Sign in to a mailbox."""
        number = registry.check(registry.find(options["name"]))
        self.answer(
            {"messages": number}, f"The server accepts our login; {counted(number, 'message')}."
        )

    def do_poll(self, options: dict[str, Any]) -> None:
        """Poll a mailbox now."""
        polled = polling.poll(registry.find(options["name"]), clock.now())
        if polled.problem:
            raise MailboxError(polled.problem)
        values = {"messages": polled.messages, "recorded": polled.recorded}
        self.answer(
            values, f"{counted(polled.messages, 'new message')}, {polled.recorded:,} recorded."
        )

    def do_remove(self, options: dict[str, Any]) -> None:
        """Remove a mailbox."""
        mailbox = registry.find(options["name"])
        mailbox.delete()
        self.answer({"removed": mailbox.name}, f"{mailbox.name} is not polled any more.")


def _mailbox_values(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "name": mailbox.name,
        "address": registry.describe(mailbox),
        "state": "ok" if mailbox.active else "off",
        "polled": clock.format_moment(mailbox.polled_at) if mailbox.polled_at else "never",
        "problem": mailbox.problem,
    }
