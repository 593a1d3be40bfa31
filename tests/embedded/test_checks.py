"""What must hold before anything is started."""

import socket
import stat
from pathlib import Path

import pytest

from digest.embedded import checks
from digest.embedded.errors import EmbeddedError
from tests.ports import reserve_port


def test_the_secret_key_is_made_once_for_its_owners_eyes(tmp_path: Path) -> None:
    """Links in mails already sent depend on it."""
    first = checks.secret_key(tmp_path)
    assert len(first) > 40
    assert checks.secret_key(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_an_emptied_secret_key_is_not_replaced_silently(tmp_path: Path) -> None:
    """A new one would break every link ever sent."""
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(EmbeddedError, match="empty"):
        checks.secret_key(tmp_path)


def test_a_port_in_use_is_named_with_the_option_that_chooses_another() -> None:
    """One line for the person at the terminal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"Port {port} is in use.*--smtp-port"):
            checks.listen("127.0.0.1", port, "--smtp-port")
    with checks.listen("127.0.0.1", port, "--port") as listener:
        assert checks.port_of(listener) == port


def test_port_0_is_any_that_is_free() -> None:
    """And it is open at once, so nobody else can take it."""
    with checks.listen("127.0.0.1", 0, "--port") as listener:
        port = checks.port_of(listener)
        assert port > 0
        with pytest.raises(EmbeddedError, match=f"Port {port} is in use"):
            checks.listen("127.0.0.1", port, "--port")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_all_addresses_of_ipv6_are_those_of_ipv4_too() -> None:
    """`--host ::` answers at 127.0.0.1, where this machine itself looks for the web process."""
    with checks.listen("::", 0, "--port") as listener:
        socket.create_connection(("127.0.0.1", checks.port_of(listener)), timeout=5).close()


def test_two_that_want_the_same_port_each_hold_one() -> None:
    """The first the wanted one, for as long as it wants it."""
    port = reserve_port()
    with (
        checks.listen_anyway("127.0.0.1", port) as first,
        checks.listen_anyway("127.0.0.1", port) as second,
    ):
        assert checks.port_of(first) == port
        assert checks.port_of(second) not in {port, 0}


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    """`--host` with a typo."""
    with pytest.raises(EmbeddedError, match=r"Cannot listen on 192\.0\.2\.1"):
        checks.listen("192.0.2.1", 8000, "--port")


def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how much there is and how much is needed."""
    checks.check_room(tmp_path)
    monkeypatch.setattr(checks, "ROOM", 2**60)
    with pytest.raises(EmbeddedError, match=r"Only \d+ MB are free"):
        checks.check_room(tmp_path)


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """And is free again afterwards."""
    holds = (checks.held_alone(tmp_path) for _ in range(2))
    with next(holds), pytest.raises(EmbeddedError, match="already runs"), next(holds):
        pass
    with checks.held_alone(tmp_path):
        pass


def test_a_file_cannot_be_the_data_folder(tmp_path: Path) -> None:
    """Result plainly."""
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError, match="--data"):
        checks.make_folder(tmp_path / "data")
