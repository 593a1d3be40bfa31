"""The passphrase of a backup: from a file, from the environment, or asked for at the terminal."""

import getpass
import sys
from pathlib import Path

from digest.backups.errors import BackupError
from digest.core import env
from digest.core.files import explain_reading

VARIABLE = "DIGEST_BACKUP_PASSPHRASE"
SHORTEST = 12  # characters


def read_passphrase(path: Path | None, *, is_new: bool = False) -> str:
    """Return the passphrase of a file's first line, or of the variable, or ask for it.

    A new one is asked for twice, and has to be long enough. Raises BackupError.
    """
    passphrase = _read_file(path) if path else env.read(VARIABLE) or _prompt(is_new=is_new)
    if is_new and len(passphrase) < SHORTEST:
        raise BackupError(
            f"The passphrase needs at least {SHORTEST} characters: whoever has the file can try "
            "as many as they like."
        )
    return passphrase


def _read_file(path: Path) -> str:
    with explain_reading(path, BackupError):
        lines = path.read_text().splitlines()
    if not lines or not lines[0].strip():
        raise BackupError(f"{path} is empty. Its first line has to be the passphrase.")
    return lines[0].strip()


def _prompt(*, is_new: bool) -> str:
    if not sys.stdin.isatty():
        raise BackupError(f"There is no passphrase. Set {VARIABLE}, or use --passphrase-file.")
    passphrase = getpass.getpass("Passphrase of the backup: ")
    if is_new and getpass.getpass("The same again: ") != passphrase:
        raise BackupError("The two passphrases differ. Nothing was written.")
    return passphrase
