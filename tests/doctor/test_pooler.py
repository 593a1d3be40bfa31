"""A pooler between us and PostgreSQL is noticed, by a number in its greeting."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from digest.cli.management.commands.migrate import Command
from digest.core import env
from digest.core.database import pooler
from digest.core.errors import ConfigurationError
from digest.core.findings import Level
from digest.doctor.database import check_pooler

pytestmark = pytest.mark.django_db(transaction=True)
# BackendKeyData: the number of the process that answers (PostgreSQL, "Message Formats").
_GREETING = re.compile(rb"(K\x00\x00\x00\x0c).{4}", re.DOTALL)


@contextmanager
def _proxy(folder: Path) -> Iterator[None]:
    """Pass one connection on, and greet it with another number, as PgBouncer does."""
    place = str(folder / ".s.PGSQL.5432")
    target = f"{connection.settings_dict['HOST']}/.s.PGSQL.5432"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as server:
        listener.bind(place)
        listener.listen()
        listener.settimeout(10)
        server.settimeout(10)
        server.connect(target)

        def serve() -> None:
            client, _ = listener.accept()
            client.settimeout(10)
            threading.Thread(target=_forward, args=(client, server), daemon=True).start()
            _forward(server, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _forward(source: socket.socket, target: socket.socket) -> None:
    try:
        while octets := source.recv(65_536):
            target.sendall(_GREETING.sub(rb"\1" + b"\x7f\x00\x00\x01", octets))
    except OSError:  # the other end is closed
        pass


@pytest.fixture
def _behind_a_pooler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Reach PostgreSQL through it."""
    folder, host = tmp_path_factory.mktemp("p"), connection.settings_dict["HOST"]
    with _proxy(folder):
        connection.close()
        connection.settings_dict["HOST"] = str(folder)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["HOST"] = host


def test_without_one_nothing_is_said() -> None:
    """The session that greeted us answers."""
    assert not pooler.is_between()
    assert list(check_pooler()) == []


@pytest.mark.usefixtures("_behind_a_pooler")
def test_one_has_to_be_declared(settings: Settings) -> None:
    """The doctor says so, and nothing is migrated through it."""
    assert pooler.is_between()
    [finding] = check_pooler()
    assert finding.level is Level.FAIL
    with pytest.raises(ConfigurationError, match="Migrations need PostgreSQL itself"):
        Command()._migrate({"verbosity": 1, "database": "default"})
    settings.DIGEST_DATABASE_POOLED = True
    assert list(check_pooler()) == []


def test_a_declared_one_gets_no_startup_options() -> None:
    """PgBouncer refuses them; and a cursor would be lost with its session."""
    address = "postgresql://digest@server/digest"
    entry = env.database(address, pooled=True, statement_seconds=60, lock_seconds=30)
    assert "options" not in entry["OPTIONS"]
    assert entry["DISABLE_SERVER_SIDE_CURSORS"]
    direct = env.database(address, statement_seconds=60, lock_seconds=30)
    assert direct["OPTIONS"]["options"] == "-c statement_timeout=60s -c lock_timeout=30s"
    assert not direct["DISABLE_SERVER_SIDE_CURSORS"]
