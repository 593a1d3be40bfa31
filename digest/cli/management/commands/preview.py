"""`digest preview NEWSLETTER`: pick and render now; send and store nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from digest.cli import lookup
from digest.core import clock, links
from digest.core.terminal import DigestCommand, Screen, details_table
from digest.issues import building
from digest.issues.composing import Draft
from digest.rendering.compiled import Compiled, Recipient
from digest.rendering.issue import compile_issue

MOST_ROWS = 20  # left-out articles on the screen


class Command(DigestCommand):
    """Preview the next issue."""

    audited = False
    help = "Pick and render the next issue now; send nothing and store nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a newsletter, and where to write the mail."""
        super().add_arguments(parser)
        parser.add_argument("newsletter", metavar="NEWSLETTER")
        parser.add_argument("--html", type=Path, metavar="FILE", help="write the web version")
        parser.add_argument("--eml", type=Path, metavar="FILE", help="write the whole mail")

    def run(self, options: dict[str, Any]) -> None:
        """Draft, compile, show."""
        draft = building.draft(lookup.newsletter(options["newsletter"]), clock.now())
        if draft.selection.skip:
            reason = draft.selection.skip
            self.answer(_draft_values(draft), lambda out: _print_skipped(out, draft, reason))
            return
        compiled = compile_issue(draft.issue, draft.blocks, draft.stories)
        message = compiled.message(_sample_recipient())
        written = _write(options, compiled, message)
        values = (
            _draft_values(draft) | _mail_values(draft, compiled, message) | {"written": written}
        )
        self.answer(values, lambda out: _print_preview(out, draft, values))


def _sample_recipient() -> Recipient:
    """Return an invented subscriber, whose links lead to the front page."""
    return Recipient(
        email="subscriber@example.com",
        name="",
        unsubscribe_url=links.absolute("/"),
        preferences_url=links.absolute("/"),
        message_id="preview@example.com",
        date=clock.now(),
    )


def _write(options: dict[str, Any], compiled: Compiled, message: bytes) -> list[str]:
    written = []
    if path := options["html"]:
        lookup.write(path, compiled.html().encode())
        written.append(str(path))
    if path := options["eml"]:
        lookup.write(path, message)
        written.append(str(path))
    return written


def _draft_values(draft: Draft) -> dict[str, Any]:
    return {
        "newsletter": draft.issue.newsletter.slug,
        "skipped": draft.selection.skip,
        "stories": [
            {
                "title": story.title,
                "block": story.block.title,
                "reason": story.reason,
                "url": story.url,
            }
            for story in draft.stories
        ],
        "left_out": [
            {"title": left.title, "reason": left.reason} for left in draft.selection.left_out
        ],
    }


def _mail_values(draft: Draft, compiled: Compiled, message: bytes) -> dict[str, Any]:
    return {
        "subject": compiled.subject,
        "preheader": compiled.preheader,
        "bytes": len(message),
        "dropped": [draft.stories[position].title for position in compiled.dropped],
        "appeals": [block.appeal.heading for block in draft.blocks if block.appeal],
    }


def _print_skipped(out: Screen, draft: Draft, reason: str) -> None:
    out.print(f"Nothing would be sent now. {reason}")
    _print_left_out(out, draft)


def _print_preview(out: Screen, draft: Draft, values: dict[str, Any]) -> None:
    out.print(
        details_table(
            [
                ("Subject", values["subject"]),
                ("Preheader", values["preheader"]),
                ("Size", f"{values['bytes'] / 1024:.0f} KB"),
                ("Appeals", ", ".join(values["appeals"])),
                ("No room for", "; ".join(values["dropped"])),
            ]
        )
    )
    out.print("\nPicked")
    rows = [(str(story.block), story.title, story.reason) for story in draft.stories]
    out.print_table(("Block", "Title", "Because"), rows)
    _print_left_out(out, draft)
    for path in values["written"]:
        out.print(f"\nWritten to {path}.")


def _print_left_out(out: Screen, draft: Draft) -> None:
    left = draft.selection.left_out
    if left:
        out.print("\nLeft out")
        out.print_table(("Title", "Because"), [(row.title, row.reason) for row in left[:MOST_ROWS]])
    if len(left) > MOST_ROWS:
        out.print(f"and {len(left) - MOST_ROWS} more; --json lists all of them.")
