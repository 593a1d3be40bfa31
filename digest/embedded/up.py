"""`digest up`: everything on this machine, with nothing to install or configure first.

Checks come first. PostgreSQL, Valkey and a local mailbox are started, each unless the environment
names one; how to reach them is written into the data folder for other `digest` commands. After the
migrations the web process starts, the sample is set up, and worker and beat start. `digest up`
supervises them all until it is stopped; then it ends everything that it started.
"""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import socket
from urllib.parse import quote

from digest.backups import passphrases, reading
from digest.core import env
from digest.core.errors import DigestError
from digest.embedded import checks, postgres, programs, valkey
from digest.embedded.errors import EmbeddedError
from digest.embedded.logs import shorten
from digest.embedded.mailbox import maildir
from digest.embedded.programs import LOOPBACK, Place
from digest.embedded.signals import StopSignals
from digest.embedded.supervisor import TICK, Supervisor, end_leftovers

SMTP_PORT = 1025
INBOUND_PORT = 2525
HEAD = 4096  # octets of a mail, with its List-Id


def main(argv: list[str]) -> int:
    """Run everything until told to stop; return the exit status."""
    options = _options(argv)
    place = Place(
        data=Path(options.data).expanduser().resolve(),
        host=options.host,
        port=options.port,
        sample=options.sample and not options.restore and not env.read("DIGEST_SMTP_URL"),
    )
    with StopSignals() as signals:
        return _until_told_to_stop(place, options, signals)


def _until_told_to_stop(place: Place, options: argparse.Namespace, signals: StopSignals) -> int:
    try:
        _run(place, options, signals)
    except KeyboardInterrupt:
        say(f"Stopped. Data stays in {place.data}.")
    except DigestError as problem:
        if not signals.asked:  # what Ctrl-C interrupts in the terminal fails, rightly
            return _fail(str(problem))
        say(f"Stopped. Data stays in {place.data}.")
    except OSError as problem:
        if problem.errno == errno.ENOSPC:
            return _fail(f"The disk of {place.data} is full. Free some room, or choose --data.")
        if problem.filename is None:
            raise
        return _fail(f"Cannot use {problem.filename}: {problem.strerror}. See --data.")
    return 0


def _run(place: Place, options: argparse.Namespace, signals: StopSignals) -> None:
    """Start everything in order; whatever happens, end it in the opposite order."""
    own_database = not env.read("DIGEST_DATABASE_URL")
    own_valkey = not env.read("DIGEST_REDIS_URL")
    with ExitStack() as undo:
        undo.enter_context(_own_folder(place))
        web = undo.enter_context(checks.listen(place.host, place.port, "--port"))
        place = place._replace(port=checks.port_of(web))
        mailbox = undo.enter_context(_listen_for_mail(options.smtp_port))
        inbound = undo.enter_context(checks.listen_anyway(LOOPBACK, INBOUND_PORT))
        _check(place)
        restore = prepare_restore(place, options)
        if env.read("DIGEST_SMTP_URL"):
            mailbox.close()
        supervisor = Supervisor(place.data, say, signals.pause)
        # Registered before anything runs, so an interrupted start is tidied up like any other.
        undo.callback(postgres.stop, place.data / "postgres")
        undo.callback(supervisor.stop, hurry=signals.hurry)
        services = _start_services(place, mailbox, supervisor)
        services["DIGEST_INBOUND_PORT"] = str(checks.port_of(inbound))
        signals.check()
        undo.enter_context(_known_to_other_commands(place, services))
        _load()
        if own_valkey:
            url = services["DIGEST_REDIS_URL"]
            supervisor.wait_until(lambda: valkey.answers(url), "Valkey", 20)
        signals.check()
        _migrate()
        restore()
        signals.check()
        if os.environ["DIGEST_INBOUND_DOMAIN"]:
            supervisor.start(programs.loaded(programs.inbound(inbound)))
        else:
            inbound.close()
        supervisor.start(programs.loaded(programs.web(web)))
        supervisor.wait_until(lambda: _web_answers(place), "The web process", 60)
        news, first_account = _set_up(place), _first_account()
        signals.check()
        supervisor.start(programs.loaded(programs.worker()))
        supervisor.start(programs.loaded(programs.beat()))
        say(_welcome(place, news, first_account))
        _look_after(place, supervisor, own_database=own_database)


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="digest up", description="Run everything on this machine, on embedded services."
    )
    parser.add_argument(
        "--port", type=_port_or_any, default=8000, help="of the web pages (8000; 0: any free one)"
    )
    parser.add_argument("--host", default=LOOPBACK, help=f"to listen on ({LOOPBACK})")
    parser.add_argument(
        "--data",
        default=env.read("DIGEST_DATA_DIR", "data"),
        help="folder for everything that must last (DIGEST_DATA_DIR, or ./data)",
    )
    parser.add_argument(
        "--smtp-port", type=_port, help=f"of the local mailbox ({SMTP_PORT}, or any that is free)"
    )
    parser.add_argument(
        "--no-sample", dest="sample", action="store_false", help="without the sample publication"
    )
    parser.add_argument(
        "--restore", metavar="FILE", type=Path, help="begin with a backup, in an empty folder"
    )
    parser.add_argument(
        "--passphrase-file", metavar="FILE", type=Path, help="of the backup; its first line"
    )
    return parser.parse_args(argv)


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 1 to 65535.")


def _port_or_any(text: str) -> int:
    return 0 if text == "0" else _port(text)


@contextmanager
def _own_folder(place: Place) -> Iterator[None]:
    checks.make_folder(place.data)
    with checks.held_alone(place.data):
        end_leftovers(place.data)
        (place.data / env.RUNTIME_FILE).unlink(missing_ok=True)
        yield


def _listen_for_mail(smtp_port: int | None) -> socket:
    if smtp_port:
        return checks.listen(LOOPBACK, smtp_port, "--smtp-port")
    return checks.listen_anyway(LOOPBACK, SMTP_PORT)


def _check(place: Place) -> None:
    checks.check_room(place.data)
    if warning := postgres.warn_about_home(place.data):
        say(warning)


def _start_services(place: Place, mailbox: socket, supervisor: Supervisor) -> dict[str, str]:
    """Start what the environment does not name; return the addresses of all three."""
    say("Starting ...")
    database = env.read("DIGEST_DATABASE_URL") or postgres.start(place.data / "postgres")
    redis = env.read("DIGEST_REDIS_URL") or _start_valkey(place, supervisor)
    smtp = env.read("DIGEST_SMTP_URL") or _start_mailbox(place, mailbox, supervisor)
    return {
        "DIGEST_DATABASE_URL": database,
        "DIGEST_REDIS_URL": redis,
        "DIGEST_SMTP_URL": smtp,
    }


def _start_valkey(place: Place, supervisor: Supervisor) -> str:
    command, url = valkey.command(place.data / "valkey")
    supervisor.start(programs.valkey(command))
    return url


def _start_mailbox(place: Place, listener: socket, supervisor: Supervisor) -> str:
    maildir.create(place.mailbox)
    port = checks.port_of(listener)
    supervisor.start(programs.mailbox(place, listener))
    page = quote(f"{programs.base_url(place)}/mailbox/", safe=":/")
    return f"smtp://{LOOPBACK}:{port}?starttls=never&mailbox={page}"


@contextmanager
def _known_to_other_commands(place: Place, services: Mapping[str, str]) -> Iterator[None]:
    """Put Digest's variables into our environment, and into the file that `digest …` reads."""
    variables = programs.environment(place, services)
    os.environ.update(variables, DJANGO_SETTINGS_MODULE="digest.settings")
    path = place.data / env.RUNTIME_FILE
    checks.write_private(path, "".join(f"{name}={value}\n" for name, value in variables.items()))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _load() -> None:
    programs.load()
    logging.getLogger("digest").setLevel(logging.WARNING)  # the terminal belongs to a person


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import OperationalError, connections

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as cause:
        raise EmbeddedError(f"PostgreSQL cannot be used: {str(cause).strip()}") from cause
    finally:
        connections.close_all()


def prepare_restore(place: Place, options: argparse.Namespace) -> Callable[[], None]:
    """Take over the secret key of a backup; return what restores it once there is a database."""
    if options.restore is None:
        return lambda: None
    passphrase = passphrases.read_passphrase(options.passphrase_file)
    secrets = reading.read_secrets(options.restore, passphrase)
    checks.keep_secret_key(place.data, secrets["DIGEST_SECRET_KEY"])

    def restore() -> None:
        from django.db import connections

        from digest.backups import restoring
        from digest.core import clock

        say("Restoring ...")
        try:
            restored = restoring.restore_backup(options.restore, passphrase, clock.now())
        finally:
            connections.close_all()
        for problem in restored.problems:
            say(f"Problem: {problem}")
        data_until = clock.format_moment(restored.header.made_at)
        say(f"Restored; these data end at {data_until}. No mail is sent until you release it.")

    return restore


def _web_answers(place: Place) -> bool:
    return programs.answers_http(place.inward, place.port, "/healthz")


def _set_up(place: Place) -> str:
    """Set up the sample, or put it away; return what the welcome says about the next digest."""
    from django.db import connections

    from digest.core import clock, isolation
    from digest.embedded import upcoming
    from digest.embedded.sample import setting_up

    try:
        if place.sample:
            setting_up.set_up(place.sample_site, clock.now())
        else:
            setting_up.put_away(clock.now())
        coming = upcoming.first(clock.now())
        return f"{coming.newsletter}, {coming.local_time} ({coming.wait})" if coming else ""
    finally:
        isolation.end_children()  # of the feed's reading
        connections.close_all()


def _first_account() -> str:
    """Return where the first account is made, or nothing where there is one."""
    from django.db import connections

    from digest.accounts import first_account
    from digest.core import clock

    try:
        return first_account.setup_url(clock.now()) if first_account.is_missing() else ""
    finally:
        connections.close_all()


def _welcome(place: Place, news: str, first_account: str) -> str:
    site = os.environ["DIGEST_BASE_URL"]
    local_mailbox = f"{site}/mailbox/  (nothing leaves this machine)"
    lines = {
        "Newspaper": f"{site}/sample/" if place.sample else "",
        "Mailbox": local_mailbox if place.mailbox.exists() else "",
        "Archive": f"{site}/archive/morning-tide" if place.sample else "",
        "Console": first_account or f"{site}/admin/",
        "Next digest": news or "none planned; set one up in the console",
        "Data, logs": f"{place.data}, {place.data}/logs",
    }
    visible = [f"  {name:<13}{text}" for name, text in lines.items() if text]
    return "\n".join(
        ["", f"Digest is up: {site}", "", *visible, "", "Ctrl-C stops everything.", ""]
    )


def _look_after(place: Place, supervisor: Supervisor, *, own_database: bool) -> None:
    """Keep everything running until a signal; say when the first digest has come."""
    waiting = place.mailbox.exists() and not maildir.entries(place.mailbox)
    while True:
        supervisor.look()
        if own_database:
            _look_after_postgres(place.data / "postgres")
        if waiting and has_digest(place.mailbox):
            waiting = False
            say(f"The first digest is in the mailbox: {os.environ['DIGEST_BASE_URL']}/mailbox/")
        supervisor.pause(TICK)


def has_digest(mailbox: Path) -> bool:
    """Say whether one of the newest mails is of a list (RFC 2919); notices are not."""
    with suppress(EmbeddedError):  # one was just deleted
        heads = [maildir.read(mailbox, mail.key, HEAD) for mail in maildir.entries(mailbox)[:20]]
        return any(b"\nList-Id:" in head for head in heads)
    return False


def _look_after_postgres(folder: Path) -> None:
    """Start PostgreSQL again if it ended, at the same address; keep its log small."""
    shorten(folder / "log")
    if postgres.running(folder) is None:
        postgres.start(folder)
        say(f"PostgreSQL ended; started again. Its log: {folder / 'log'}")


def say(line: str) -> None:
    """Tell the person at the terminal; everything runs on where that is gone or full."""
    with suppress(OSError):
        print(line, flush=True)  # noqa: T201


def _fail(reason: str) -> int:
    print(f"digest up: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    return 1
