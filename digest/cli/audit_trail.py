"""What was changed on the command line is noted in the audit log, beside what people did elsewhere.

A command that only looks is in `LOOKS`, or its action is; a program that runs on is no deed. What
names the thing is noted; addresses that may hold a password, files and secrets never are.
"""

import getpass
from typing import Any

import structlog
from django.db import Error

from digest.accounts import audit
from digest.core import clock

log = structlog.get_logger(__name__)

LOOKS = {"list", "show", "preview", "check", "deliveries", "doubts", "poll", "put-away", "test"}
DEEDS = {
    *("newsletter", "source", "article", "subscriber", "suppress", "send", "desk", "issue"),
    *("relay", "token", "webhook", "createsuperuser", "changepassword"),
}
# What a command's first word is about, the most telling first.
_ABOUT = ("slug", "id", "name", "newsletter", "address", "email", "domain")


def note(command: str, options: dict[str, Any]) -> None:
    """Note that a command was carried out, if it changes anything."""
    action = str(options.get("action") or "")
    if command not in DEEDS or action in LOOKS:
        return
    said = f"digest {command} {action}".strip()
    try:
        audit.record_command(
            f"{_who()}, command line", said, clock.now(), target=_about(command, options)
        )
    except Error as problem:  # what was done is done
        log.warning("not in the audit log", command=said, problem=str(problem))


def _about(command: str, options: dict[str, Any]) -> str:
    if options.get("action") == "erase":
        return ""  # whose address is to be forgotten
    found = next((options[name] for name in _ABOUT if options.get(name)), "")
    return f"{command} {found}" if isinstance(found, int) else str(found)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody"
