"""The audit log of the command line: each command declares whether it is recorded.

The object of a command is recorded by its name or number. Addresses that may hold a password, files
and secrets never are.
"""

import getpass
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import Error

from digest.accounts import audit
from digest.core import clock
from digest.core.terminal import DigestCommand
from digest.core.text import one_line

log = structlog.get_logger(__name__)

# Django's own commands that change accounts; ours declare it.
_DJANGO_COMMANDS = {"createsuperuser", "changepassword"}
# The options that name a command's object, the most specific first.
_NAMING = (
    *("slug", "id", "series", "name", "key", "newsletter", "address", "email", "domain"),
    "publication",
)


def is_audited(name: str, command: BaseCommand, options: dict[str, Any]) -> bool:
    """Return whether the audit log records this call of a command."""
    if isinstance(command, DigestCommand):
        return command.is_audited(options)
    return name in _DJANGO_COMMANDS


def record(command: str, options: dict[str, Any]) -> None:
    """Record that the user of this machine ran `digest command`, with its action if it has some.

    The command is done by then: where the log cannot be written, a warning says so.
    """
    action = f"digest {command} {options.get('action') or ''}".strip()
    if options.get("lift"):
        action += f" --lift: {one_line(str(options.get('reason', '')))[:200]}"
    actor = f"{_user_name()}, command line"
    try:
        audit.record_command(actor, action, clock.now(), target=_target(command, options))
    except Error as problem:
        log.warning("not in the audit log", command=action, problem=str(problem))


def _target(command: str, options: dict[str, Any]) -> str:
    if options.get("action") == "erase":
        return ""  # the address that is to be forgotten
    target = next((options[name] for name in _NAMING if options.get(name)), "")
    return f"{command} {target}" if isinstance(target, int) else str(target)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown user"
