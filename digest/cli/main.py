"""The console entry: finds the services, then dispatches to a command by name.

A command is a management command of any of our packages, or, where it must run before there are
services (`digest up`), an entry point in the group `digest.commands`: a callable that takes the
arguments after its name and returns the exit status. Neither is imported by name here, so a
package of a higher floor can bring its own.

Exit status: 0 done; 1 it could not be done, and a line says why; 2 it was not understood;
130 interrupted. With `--json` standard output always holds one JSON document; an error is
`{"error": "…"}`.
"""

import difflib
import json
import logging
import os
import signal
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from digest import __version__
from digest.core import env
from digest.core.errors import ConfigurationError, DigestError
from digest.loading import modules_that_stay

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.management.base import BaseCommand

OVERVIEW = {
    "Getting started": {
        "up": "run everything on this machine with embedded services",
        "setup": "print the link to create the first account in a browser",
        "hold": "hold all mail, as after a restore, or release it",
        "backup": "put everything into one encrypted file, or verify such a file",
        "restore": "restore a backup into an empty installation",
        "doctor": "check whether this installation is ready to send",
    },
    "Newsletters": {
        "newsletter": "add, set, list, show, pause or resume newsletters; pick articles",
        "publication": "list or show publications, or change how their emails look",
        "member": "list a team, or set what its members may do and for which newsletters",
        "source": "add, list or poll the feeds that articles come from",
        "article": "list articles; mark one as updated to send it again",
        "preview": "select and render the next issue without sending it",
    },
    "Subscribers": {
        "import": "come from another service, with its export or its API",
        "subscriber": "add, import, export, show, unsubscribe or erase subscribers",
        "attribute": "define or list what a publication knows of its subscribers",
        "profile": "show or change the tags and attributes of a subscriber",
        "segment": "create, list or show segments, and who belongs to them",
        "bulk": "change many subscribers: preview, apply, stop, undo",
        "form": "design sign-up forms for your site, and show their snippet",
        "suppress": "stop all mail to an address",
        "sunset": "ask inactive subscribers whether they want to stay",
        "stripe": "connect Stripe: which tier a price gives, and who has it",
        "tracking": "show or change which clicks and opens a publication counts",
    },
    "Sending": {
        "send": "build an issue and send it now, or send a test to one address",
        "issue": "create, check, approve, send, stop or list issues; see who received them",
        "series": "welcome mails and other series: list, show, switch on or off",
        "experiment": "try other subjects or lead stories on a share of the subscribers",
        "relay": "add, change or list relays; resume a paused domain",
        "mailbox": "poll mailboxes that bounces return to",
        "dkim": "create DKIM keys, or show their DNS records",
    },
    "Results": {
        "drops": "list where mail of a newsletter does far worse than before",
        "dmarc": "import DMARC reports, or list who sends in your name",
        "reputation": "connect Google Postmaster Tools and Microsoft SNDS, list readings",
        "stats": "show how an issue, a newsletter, a publication or a sponsor did",
        "analytics": "connect, fetch or disconnect site analytics",
        "clicks": "judge the clicks of an issue again",
        "networks": "list or load the networks of scanners and data centres",
    },
    "API and webhooks": {
        "token": "add, list or revoke API tokens",
        "webhook": "add, list, test or remove webhooks",
        "connector": "connect Ghost, Wagtail and WordPress",
        "mcp": "serve newsletters and statistics to an assistant",
    },
    "Processes": {
        "web": "serve the web pages, the console and the API",
        "worker": "run the jobs: poll, build, plan, send",
        "inbound": "receive mail: subscribe, unsubscribe, help",
        "beat": "schedule the jobs",
        "migrate": "apply database migrations",
    },
}

# Enough for Django to be set up and a command's help to be shown; nothing is reached.
_PLACEHOLDERS = {
    "DIGEST_DATABASE_URL": "postgresql:///unset",
    "DIGEST_REDIS_URL": "redis://unset",
    "DIGEST_SECRET_KEY": "unset, for help texts only: it signs nothing",
}

NO_SERVICES = (
    "No database is set. Start everything with `digest up`, "
    "or set DIGEST_DATABASE_URL, DIGEST_REDIS_URL and DIGEST_SECRET_KEY."
)


def main(argv: list[str] | None = None) -> int:
    """Run `digest …`; return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except DigestError as problem:
        return _fail(str(problem), 1, arguments)
    return status


def _dispatch(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name in {"help", "-h", "--help"}:
        return _print(_overview())
    if name in {"version", "--version"}:
        return _print(f"digest {__version__}")
    if plugged := entry_points(group="digest.commands", name=name):
        command: Callable[[list[str]], int] = plugged[name].load()
        return command(rest)
    if not _find_services():
        if {"-h", "--help"}.isdisjoint(rest) and name in _command_names():
            raise ConfigurationError(NO_SERVICES)
        os.environ.update(_PLACEHOLDERS)
    return _manage(name, rest)


def _find_services() -> bool:
    """Say whether the environment names services, or a running `digest up` has told of its own."""
    return bool(env.read("DIGEST_DATABASE_URL")) or env.load_runtime_file(
        Path(env.read("DIGEST_DATA_DIR", "data"))
    )


def _manage(name: str, rest: list[str]) -> int:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "digest.settings")
    os.environ.setdefault("PGAPPNAME", f"digest {name}")  # shown by pg_stat_activity
    with modules_that_stay():
        import django
        from django.core.management.base import CommandError
        from django.db import Error

        django.setup()

        from digest.cli import audit_trail
        from digest.core.terminal import database_trouble

        # Work done at the terminal answers there; its log lines are for the processes.
        logging.getLogger("digest").setLevel(logging.WARNING)
        command = _command(name)
    if command is None:
        return _fail(_unknown(name), 2, rest)
    # Private to Django, and its only way to say that bad usage exits with status 2.
    command._called_from_command_line = True  # type: ignore[attr-defined]  # noqa: SLF001
    options = vars(command.create_parser("digest", name).parse_args(rest))
    try:
        command.execute(*options.pop("args", ()), **options)
        if audit_trail.is_audited(name, command, options):
            audit_trail.record(name, options)
    except CommandError as problem:
        return _fail(str(problem), problem.returncode, rest)
    except Error as problem:
        if not (explanation := database_trouble(problem)):
            raise
        return _fail(explanation, 1, rest)
    return 0


def _command(name: str) -> "BaseCommand | None":
    """Return a management command of any package, by its name."""
    from django.core.management import get_commands, load_command_class

    package = get_commands().get(name)
    return load_command_class(package, name) if isinstance(package, str) else package


def _overview() -> str:
    lines = ["Digest turns a publisher's articles into email digests.", ""]
    for group, commands in OVERVIEW.items():
        lines += [group, *(f"  {name:<12}{line}" for name, line in commands.items()), ""]
    return "\n".join(
        [*lines, "digest COMMAND --help describes a command. Most commands accept --json."]
    )


def _command_names() -> list[str]:
    return [command for commands in OVERVIEW.values() for command in commands]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _command_names(), 1)
    hint = f"Did you mean `digest {near[0]}`?" if near else "`digest --help` lists them."
    return f"There is no command {name!r}. {hint}"


def _print(text: str) -> int:
    print(text)  # noqa: T201  the console speaks
    return 0


def _fail(reason: str, status: int, arguments: list[str]) -> int:
    if "--json" in arguments:
        print(json.dumps({"error": reason}, ensure_ascii=False))  # noqa: T201
    else:
        print(f"digest: {reason}", file=sys.stderr)  # noqa: T201
    return status
