"""What must hold before anything is started."""

import socket
import stat
from pathlib import Path

import pytest

from digest.embedded import checks
from digest.embedded.errors import EmbeddedError


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
            checks.check_port("127.0.0.1", port, "--smtp-port")
    checks.check_port("127.0.0.1", port, "--port")


def test_two_that_want_the_same_port_each_hold_one() -> None:
    """The first the wanted one, for as long as it wants it."""
    wanted = checks.free_port("127.0.0.1")
    with (
        checks.listening("127.0.0.1", wanted) as first,
        checks.listening("127.0.0.1", wanted) as second,
    ):
        assert checks.port_of(first) == wanted
        assert checks.port_of(second) not in {wanted, 0}


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    """`--host` with a typo."""
    with pytest.raises(EmbeddedError, match=r"Cannot listen on 192\.0\.2\.1"):
        checks.check_port("192.0.2.1", 8000, "--port")


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
    """Said plainly."""
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError, match="--data"):
        checks.make_folder(tmp_path / "data")
