"""The Maildir keeps mails whole, in order, and refuses names that are not its own."""

from pathlib import Path

import pytest

from digest.embedded.errors import EmbeddedError
from digest.embedded.mailbox import maildir
from digest.embedded.up import has_digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty Maildir."""
    maildir.create(tmp_path / "mailbox")
    return tmp_path / "mailbox"


def test_a_mail_is_read_back_byte_for_byte(folder: Path) -> None:
    """Line ends, bare ones too, NUL and octets above 127 stay as they came."""
    content = b"Subject: x\r\n\r\n..\r\nbare\nlone\rnul\0\xff\xfe\r\n"
    key = maildir.deliver(folder, content)
    assert maildir.read(folder, key) == content
    assert maildir.entries(folder)[0].size == len(content)


def test_the_newest_mail_comes_first(folder: Path) -> None:
    """Order of arrival, reversed, however quickly they came."""
    keys = [maildir.deliver(folder, b"x") for _ in range(25)]
    assert [entry.key for entry in maildir.entries(folder)] == keys[::-1]


def test_reading_can_stop_after_the_first_octets(folder: Path) -> None:
    """The list of mails reads headers only."""
    key = maildir.deliver(folder, b"x" * 10_000)
    assert len(maildir.read(folder, key, 64)) == 64


def test_foreign_files_are_left_alone(folder: Path) -> None:
    """A name that is not ours is not a mail."""
    (folder / "new" / "1234567890.V1.host").write_bytes(b"x")
    (folder / "new" / ".hidden").write_bytes(b"x")
    assert maildir.entries(folder) == []


@pytest.mark.parametrize(
    "key", ["../../secret_key", "..", "", "new", "1234567890.M000000P1Q1.digest,S=1/../x"]
)
def test_a_key_cannot_name_a_file_elsewhere(folder: Path, key: str) -> None:
    """Only names of our own form are looked for."""
    (folder.parent / "secret_key").write_text("secret")
    with pytest.raises(EmbeddedError):
        maildir.read(folder, key)


def test_a_mailbox_that_was_never_made_is_empty(tmp_path: Path) -> None:
    """The pages may be asked before the receiving process has run."""
    assert maildir.entries(tmp_path / "nowhere") == []


def test_only_the_owner_may_look_in(folder: Path) -> None:
    """Mails hold links that act for a subscriber."""
    assert folder.stat().st_mode & 0o077 == 0


def test_a_notice_is_not_taken_for_a_digest(folder: Path) -> None:
    """Somebody may subscribe before the first digest comes."""
    assert not has_digest(folder)
    maildir.deliver(
        folder, b"Subject: Confirm your subscription\r\n\r\nList-Id is no header here\r\n"
    )
    assert not has_digest(folder)
    maildir.deliver(folder, b"Subject: x\r\nList-Id: <tide.courier.example>\r\n\r\nx\r\n")
    assert has_digest(folder)
