"""The receiving process, spoken to by SMTP."""

import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.embedded import checks
from digest.embedded.mailbox import maildir
from digest.embedded.mailbox.receiving import LARGEST


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A running receiver: its port and its Maildir."""
    folder = tmp_path_factory.mktemp("box") / "mailbox"
    with checks.listen("127.0.0.1", 0, "--port") as listener:
        port, fd = checks.port_of(listener), listener.fileno()
        command = [sys.executable, "-m", "digest.embedded.mailbox", "--fd", str(fd)]
        process = subprocess.Popen(
            [*command, "--maildir", str(folder)], stdout=subprocess.PIPE, pass_fds=[fd]
        )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"receiving")
    yield port, folder
    process.terminate()
    assert process.wait(5) == 0
    process.stdout.close()


def send(port: int, content: bytes, recipients: list[str]) -> None:
    """Hand over one mail; the content goes on the wire exactly so."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo("test")
        client.mail("bounces+1@courier.example")
        for recipient in recipients:
            client.rcpt(recipient)
        assert client.docmd("DATA")[0] == 354
        client.send(content + b".\r\n")
        assert client.getreply()[0] == 250


def test_what_is_kept_is_what_came_after_lines_of_delivery(box: tuple[int, Path]) -> None:
    """Envelope lines first, as a delivery agent writes them, then the received bytes."""
    port, folder = box
    content = (
        b"Subject: Tide\r\nTo: ines@reader.example\r\n\r\nHigh water\t\r\n..one dot\r\n\xc3\xa9\r\n"
    )
    send(port, content, ["ines@reader.example"])
    stored = maildir.read(folder, maildir.entries(folder)[0].key)
    assert stored == (
        b"Return-Path: <bounces+1@courier.example>\r\n"
        b"Delivered-To: ines@reader.example\r\n"
        b"X-Original-To: ines@reader.example\r\n"
    ) + content.replace(b"\r\n..", b"\r\n.")


def test_each_recipient_gets_a_copy(box: tuple[int, Path]) -> None:
    """One file for each, with their own Delivered-To."""
    port, folder = box
    before = len(maildir.entries(folder))
    send(port, b"Subject: Two\r\n\r\nx\r\n", ["ada@reader.example", "bo@reader.example"])
    entries = maildir.entries(folder)
    assert len(entries) == before + 2
    lines = {maildir.read(folder, entry.key).split(b"\r\n")[1] for entry in entries[:2]}
    assert lines == {b"Delivered-To: ada@reader.example", b"Delivered-To: bo@reader.example"}


def test_a_mail_is_on_the_disk_when_the_reply_comes(box: tuple[int, Path]) -> None:
    """250 means kept: the file is there before the next command."""
    port, folder = box
    for number in range(5):
        before = len(maildir.entries(folder))
        send(port, b"Subject: %d\r\n\r\nx\r\n" % number, ["ada@reader.example"])
        assert len(maildir.entries(folder)) == before + 1


def test_its_greatest_size_is_announced_and_held(box: tuple[int, Path]) -> None:
    """A larger mail is refused for good at MAIL already (RFC 1870)."""
    port, _ = box
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo("test")
        assert client.esmtp_features["size"] == str(LARGEST)
        assert client.docmd(f"MAIL FROM:<a@courier.example> SIZE={LARGEST + 1}")[0] == 552


def test_without_the_socket_it_says_so_in_one_line(tmp_path: Path) -> None:
    """No traceback: who starts it must have opened one."""
    command = [sys.executable, "-m", "digest.embedded.mailbox", "--fd", "99"]
    alone = subprocess.run(
        [*command, "--maildir", str(tmp_path / "m")], capture_output=True, text=True, check=False
    )
    assert alone.returncode == 1
    assert alone.stderr.startswith("Cannot receive mail: ")
    assert "Traceback" not in alone.stderr


def test_a_client_that_vanishes_leaves_nothing(box: tuple[int, Path]) -> None:
    """A connection lost in the middle of DATA stores no mail."""
    port, folder = box
    before = len(maildir.entries(folder))
    with socket.create_connection(("127.0.0.1", port)) as client:
        for line in (b"EHLO x", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA"):
            client.recv(1000)
            client.sendall(line + b"\r\n")
        client.sendall(b"Subject: half\r\n")
    time.sleep(0.2)
    assert len(maildir.entries(folder)) == before
    assert not list((folder / "tmp").iterdir())
