"""`digest restore FILE`: an installation out of a backup. Mail is held afterwards."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from digest.backups import restoring
from digest.backups.management.commands.backup import add_passphrase_option
from digest.backups.passphrases import read_passphrase
from digest.core import clock
from digest.core.terminal import DigestCommand
from digest.core.text import counted
from digest.recovery import releasing


class Command(DigestCommand):
    """Restore a backup into this installation, which has to be empty."""

    audited = True
    help = "Restore a backup into an empty installation. No mail is sent until you release it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a backup."""
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a backup")
        add_passphrase_option(parser)

    def run(self, options: dict[str, Any]) -> None:
        """Restore, and say what comes next."""
        passphrase = read_passphrase(options["passphrase_file"])
        now = clock.now()
        restored = restoring.restore_backup(options["file"], passphrase, now)
        reviewed = releasing.review(restored.hold, now)
        data_until = clock.format_moment(restored.header.made_at)
        values = {
            "data_until": restored.header.made_at,
            "pictures": restored.pictures,
            "held": True,
            "perhaps_sent": reviewed.count_issues(),
            "problems": restored.problems,
        }
        problems = "".join(f"Problem: {problem}\n" for problem in restored.problems)
        self.answer(
            values,
            f"Restored. These data end at {data_until}.\n{problems}"
            f"Mail is held. {counted(reviewed.count_issues(), 'issue')} may have been sent since: "
            "`digest hold show` lists them.\n"
            "Start web, workers and beat; then `digest hold release --yes` sends mail again.",
        )
