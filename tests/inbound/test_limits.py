"""Strangers who hold connections, probe, stall or pour: they are hung up on, nobody else waits."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from digest.inbound import limits
from digest.inbound.limits import client_of
from digest.newsletters.models import Newsletter
from digest.subscribers.models import SignUp
from tests.cast import make_newsletter
from tests.inbound.conftest import DOMAIN, Talk

Serving = Callable[[str], int]
TO = f"subscribe+tide@{DOMAIN}"


@pytest.fixture
def newsletter(transactional_db: None) -> Newsletter:
    """The Morning Tide."""
    return make_newsletter(slug="tide")


@pytest.fixture
def talks() -> Iterator[Callable[[int], Talk]]:
    """Begin conversations, and close them at the end."""
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(closing(Talk(port)))


def is_taken(talk: Talk, sender: str = "nadia@reader.example") -> bool:
    """Hand over a mail; say whether it was taken."""
    replies = [talk.say(f"{verb}\r\n".encode()) for verb in envelope(sender)]
    reply = talk.say(f"From: <{sender}>\r\n\r\nhello\r\n.\r\n".encode())
    return [*replies, reply][-1].startswith("250")


def envelope(sender: str) -> list[str]:
    """The commands before a mail."""
    return ["EHLO reader.example", f"MAIL FROM:<{sender}>", f"RCPT TO:<{TO}>", "DATA"]


def ends_with(talk: Talk, code: str) -> bool:
    """Say whether the server says a code, and then hangs up."""
    last = reply = ""
    while reply := talk.read_reply():
        last = reply
    return last.startswith(code)


def pour(client: socket.socket, block: bytes) -> int:
    """Send for as long as the server takes it, at most 50 MB; return how much that was."""
    sent = 0
    try:
        while sent < 50_000_000:
            client.sendall(block)
            sent += len(block)
    except OSError:
        pass
    return sent


def test_one_address_may_hold_ten_connections(
    serving: Serving, newsletter: Newsletter, talks: Callable[[int], Talk]
) -> None:
    """The eleventh is turned away, and comes in when one ends."""
    port = serving("smtp")
    conversations = [talks(port) for _ in range(limits.MOST_BY_ADDRESS)]
    assert talks(port).greeting == "421 4.7.0 Too many connections from your address"
    conversations[0].say(b"QUIT\r\n")
    time.sleep(0.1)
    assert is_taken(talks(port))


def test_our_own_mail_server_may_hold_more(
    serving: Serving, talks: Callable[[int], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postfix delivers over many connections by LMTP, from one address; there is an end, too."""
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 25)
    port = serving("lmtp")
    conversations = [talks(port) for _ in range(25)]
    assert all(talk.greeting.startswith("220") for talk in conversations)
    assert talks(port).greeting == "421 4.7.0 Too many connections, try again soon"


@pytest.mark.parametrize(
    "command", [b"NOOP", b"RSET", b"EHLO x", b"HELP", b"MAIL FROM:<a@b.example>"]
)
def test_commands_without_a_mail_have_an_end(
    serving: Serving, talks: Callable[[int], Talk], command: bytes
) -> None:
    """However valid they are."""
    talk = talks(serving("smtp"))
    talk.sock.sendall(b"EHLO x\r\n" + (command + b"\r\n") * (limits.MOST_COMMANDS + 1))
    assert ends_with(talk, "421")


@pytest.mark.parametrize(
    "command", [b"", b"\xff", b"FOO", b"DATA", b"A" * 600, b"RCPT TO:<nobody@in.courier.example>"]
)
def test_errors_have_an_end(
    serving: Serving, newsletter: Newsletter, talks: Callable[[int], Talk], command: bytes
) -> None:
    """Addresses cannot be probed by the thousand over one connection."""
    talk = talks(serving("smtp"))
    talk.sock.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + (command + b"\r\n") * 30)
    assert ends_with(talk, "421") or command == b"FOO"  # which aiosmtpd ends with a 502


def test_mails_start_the_counts_again_and_have_an_end(
    serving: Serving,
    newsletter: Newsletter,
    talks: Callable[[int], Talk],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mail server that hands over many is not taken for one that probes."""
    monkeypatch.setattr(limits, "MOST_COMMANDS", 15)
    monkeypatch.setattr(limits, "MOST_MAILS", 4)
    talk = talks(serving("smtp"))
    assert all(is_taken(talk, f"subscriber{n}@reader.example") for n in range(4))
    assert SignUp.objects.count() == 4
    assert talk.say(b"MAIL FROM:<a@b.example>\r\n").startswith("421")
    assert talk.read_reply() == ""


def test_a_session_has_an_end(
    serving: Serving, talks: Callable[[int], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for whoever says something now and then."""
    monkeypatch.setattr(limits, "SESSION_SECONDS", 0.3)
    talk = talks(serving("smtp"))
    start = time.monotonic()
    while (reply := talk.say(b"NOOP\r\n")).startswith("250"):
        time.sleep(0.05)
    assert reply.startswith("421 4.4.2")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("in_lines", [True, False])
def test_a_mail_that_goes_on_for_ever_is_ended(
    serving: Serving, newsletter: Newsletter, talks: Callable[[int], Talk], *, in_lines: bool
) -> None:
    """In lines, or as one line without an end."""
    talk = talks(serving("smtp"))
    for command in envelope("nadia@reader.example"):
        talk.say(f"{command}\r\n".encode())
    block = (b"x" * 70 + b"\r\n" if in_lines else b"x" * 72) * 1_000
    assert pour(talk.sock, block) < 20_000_000  # what the system buffers on the way included


def test_who_does_not_read_replies_holds_no_place(
    serving: Serving, talks: Callable[[int], Talk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing would wait for a reader; it ends without one."""
    monkeypatch.setattr(limits, "FLUSH_SECONDS", 0.2)
    monkeypatch.setattr(limits, "SESSION_SECONDS", 0.5)
    monkeypatch.setattr(limits, "MOST_COMMANDS", 10**9)
    port = serving("smtp")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", port))
    client.settimeout(0.2)
    with closing(client):
        pour(client, b"HELP\r\n" * 10_000)
        until = time.monotonic() + 20
        while limits.Limited._talking and time.monotonic() < until:
            time.sleep(0.1)
        assert not limits.Limited._talking


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("192.0.2.7", 25), "192.0.2.7/32"),
        (("2001:db8:1:2:3::7", 25, 0, 0), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 25, 0, 0), "192.0.2.7/32"),
        (("fe80::1%eth0", 25, 0, 2), "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_clients_are_told_apart(peer: object, client: str) -> None:
    """An IPv6 client has a whole network; a unix socket is not counted."""
    assert client_of(peer) == client
