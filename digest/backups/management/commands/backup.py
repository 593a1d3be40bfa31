"""`digest backup FILE`: everything of this installation in one encrypted file."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from digest.backups import making, reading, restoring
from digest.backups.header import Header
from digest.backups.passphrases import read_passphrase
from digest.core import clock, processors
from digest.core.terminal import DigestCommand


class Command(DigestCommand):
    """Make a backup, or look at one."""

    audited = True
    help = (
        "Make a backup: database, secret key, pictures and journals in one encrypted file. "
        "`verify` reads a backup to its end; `secrets` prints the secret key that is in it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a file, and what to do with it."""
        super().add_arguments(parser)
        parser.add_argument(
            "action", nargs="?", choices=("verify", "secrets"), help="without it: make a backup"
        )
        parser.add_argument("file", type=Path, help="of the backup; a new one gets this name")
        add_passphrase_option(parser)

    def is_audited(self, options: dict[str, Any]) -> bool:
        """Record who takes data and keys away."""
        return bool(options["action"] != "verify")

    def run(self, options: dict[str, Any]) -> None:
        """Make, verify, or print."""
        path, action = options["file"], options["action"]
        passphrase = read_passphrase(options["passphrase_file"], is_new=action is None)
        if action == "secrets":
            self._print_secrets(reading.read_secrets(path, passphrase))
        elif action == "verify":
            header = restoring.verify_backup(path, passphrase)
            self.answer(header.values(), f"{path} is whole. {_describe(header)}")
        else:
            processors.lower_priority()
            backup = making.make_backup(path, passphrase)
            self.answer(
                {"path": backup.path, "size": backup.size, **backup.header.values()},
                f"{path} is written, {_megabytes(backup.size)}. {_describe(backup.header)}\n"
                "Store the file and its passphrase apart from this machine, and from each other.",
            )

    def _print_secrets(self, secrets: dict[str, Any]) -> None:
        fallbacks = ",".join(secrets["DIGEST_SECRET_KEY_FALLBACKS"])
        lines = [f"DIGEST_SECRET_KEY={secrets['DIGEST_SECRET_KEY']}"]
        lines += [f"DIGEST_SECRET_KEY_FALLBACKS={fallbacks}"] if fallbacks else []
        self.answer(secrets, "\n".join(lines))


def add_passphrase_option(parser: CommandParser) -> None:
    """Take the file of a passphrase."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="its first line is the passphrase (or DIGEST_BACKUP_PASSPHRASE; else asked for)",
    )


def _describe(header: Header) -> str:
    counts = header.counts
    summary = (
        f"It is of {clock.format_moment(header.made_at)}, by Digest {header.digest}: "
        f"{counts['subscribers_subscriber']:,} subscribers, {counts['issues_issue']:,} issues."
    )
    return f"{summary} Not in it: {header.bucket}." if header.bucket else summary


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
