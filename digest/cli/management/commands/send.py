"""`digest send NEWSLETTER`: by hand, to everyone; or a test to one address."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from digest.cli import following, lookup
from digest.cli.errors import AskedError
from digest.core import addresses, clock, jobs
from digest.core.terminal import DigestCommand
from digest.delivery.progress import Progress, progress
from digest.delivery.testing import send_test
from digest.editions import building
from digest.editions.models import Edition
from digest.newsletters.models import Newsletter
from digest.subscribers.audience import eligible

NOTHING_TO_SEND = 3  # exit status


class Command(DigestCommand):
    """Send an edition by hand."""

    help = (
        "Build an edition of what is new and send it to everyone now, or a test to one address. "
        "Exit status 3: there was nothing to send."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a newsletter, and whether to ask and to wait."""
        super().add_arguments(parser)
        parser.add_argument("newsletter", metavar="NEWSLETTER")
        parser.add_argument("--to", metavar="ADDRESS", help="send a test to this address alone")
        parser.add_argument("--wait", action="store_true", help="until it is done")
        parser.add_argument("--yes", action="store_true", help="send without asking")

    def run(self, options: dict[str, Any]) -> None:
        """Send a test, or the edition."""
        newsletter = lookup.newsletter(options["newsletter"])
        if options["to"] is not None:
            self._test(newsletter, options["to"])
            return
        if not options["yes"]:
            self._ask(newsletter)
        edition = _build(newsletter)
        if edition.state == Edition.State.SKIPPED:
            self.answer(_facts(edition), f"Nothing was sent. {edition.reason}")
            sys.exit(NOTHING_TO_SEND)
        if options["wait"]:
            self._wait(edition)
            return
        self.answer(
            _facts(edition),
            f"Edition {edition.pk} is on its way. How far: digest edition show {edition.pk}",
        )

    def _test(self, newsletter: Newsletter, typed: str) -> None:
        address = addresses.parse(typed)
        reply = send_test(newsletter, address, clock.now())
        self.answer(
            {"to": address.email, "code": reply.code, "reply": reply.text},
            f"A test is on its way to {address.email}. The relay said: {reply.code} {reply.text}",
        )

    def _ask(self, newsletter: Newsletter) -> None:
        """Go on only with a person's yes."""
        readers = eligible(newsletter.pk, clock.now()).count()
        if not readers:
            raise AskedError(
                f"Nobody would receive it. Add readers: digest subscriber add ADDRESS "
                f"--newsletter {newsletter.slug} --confirmed"
            )
        if self.json or not sys.stdin.isatty():
            raise AskedError(f"This sends to {readers:,} readers. Say so with --yes.")
        said = input(f"Send {newsletter.name} to {readers:,} readers now? [y/N] ")
        if said.strip().lower() not in {"y", "yes"}:
            raise AskedError("Nothing was sent.")

    def _wait(self, edition: Edition) -> None:
        with self.progress() as bar:
            task = bar.add_task("Sending", total=None)
            counts = following.follow(
                edition,
                show=lambda now: bar.update(
                    task, completed=now.settled, total=now.eligible or None
                ),
                note=self.stderr.write,
            )
        edition.refresh_from_db()
        self.answer(_facts(edition), f"Edition {edition.pk}: {_outcome(edition, counts)}")
        if edition.state != Edition.State.SENT:
            sys.exit(1)


def _build(newsletter: Newsletter) -> Edition:
    """Build the edition of this moment, and nudge the planners."""
    now = clock.now()
    edition = building.build(newsletter, now, now, kind=Edition.Kind.MANUAL)
    if edition.state == Edition.State.BUILT:
        jobs.enqueue(jobs.PLAN_EDITIONS)
    return edition


def _outcome(edition: Edition, counts: Progress) -> str:
    said = [f"{edition.get_state_display()}.", edition.reason, f"{following.sum_up(counts)}."]
    return " ".join(filter(None, said))


def _facts(edition: Edition) -> dict[str, Any]:
    counts = progress(edition)
    return {
        "edition": edition.pk,
        "state": edition.state,
        "reason": edition.reason,
        "progress": following.count_facts(counts),
    }
