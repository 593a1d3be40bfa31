"""Many messages over several connections, to relays that make it hard."""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import count
from pathlib import Path

import pytest

from digest.relays.errors import RelayDownError
from digest.relays.transports.base import Envelope, OutgoingMessage, Replies, Reply
from digest.relays.transports.smtp import SmtpTransport, parse_address
from tests.relays.smtp.sources import Source
from tests.smtp_server import CLOSE, Script, SmtpServer

MAIL = b"Subject: Tide\r\n\r\nHigh water at noon.\r\n"


@pytest.fixture(autouse=True)
def pipelining(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most relays offer it, and then the next envelope is on its way behind a message."""
    monkeypatch.setattr(SmtpServer, "EXTENSIONS", ("PIPELINING",))


def make_source(messages: int) -> Source:
    """Return a source of so many messages."""
    return Source(
        OutgoingMessage(key, Envelope("news@courier.example", f"s{key}@reader.example"), MAIL)
        for key in range(messages)
    )


def every(interval: int, reply: str) -> Callable[[str], str | None]:
    """Return a script that gives this reply each so many times."""
    numbers = count(1)
    return lambda _: reply if next(numbers) % interval == 0 else None


def deliver(script: Script, messages: int, options: str = "") -> tuple[SmtpServer, Counter[str]]:
    """Deliver so many messages; return the server, and how many had which result."""
    source = make_source(messages)
    with SmtpServer(script) as server:
        url = f"{server.url}&connections=4{options}"
        with SmtpTransport(parse_address(url)) as transport:
            try:
                transport.deliver_all(source)
            finally:
                results = Counter(source.results.values()) + Counter(waiting=len(source.waiting))
    return server, results


def connections(server: SmtpServer) -> int:
    """Return how many connections said EHLO."""
    return sum(command.startswith("ehlo") for command in server.commands)


def test_a_relay_that_hangs_up_often_still_gets_everything() -> None:
    """Before a message's end and after it; each connection that breaks is replaced."""
    _, results = deliver({"rcpt": every(7, CLOSE), "end": every(9, CLOSE)}, 200)
    assert results["replied"] > 120
    assert results["uncertain"] >= 10
    assert results["unsent"] >= 10
    assert sum(results.values()) == 200
    assert not results["waiting"]


def test_a_relay_that_never_replies_gets_little() -> None:
    """Each connection breaks after a message; no more of them are opened than we want."""
    source = make_source(50)
    with SmtpServer({"end": lambda _: CLOSE}) as server:
        url = f"{server.url}&connections=4"
        with (
            SmtpTransport(parse_address(url)) as transport,
            pytest.raises(RelayDownError, match="broke"),
        ):
            transport.deliver_all(source)
    assert Counter(source.results.values())["uncertain"] <= 4
    assert connections(server) <= 4


def test_a_relay_that_stops_replying_gets_little_more() -> None:
    """Too many breaks in a row, and it is down."""
    numbers = count(1)
    source = make_source(100)
    with SmtpServer({"end": lambda _: CLOSE if next(numbers) > 20 else None}) as server:
        url = f"{server.url}&connections=2"
        with SmtpTransport(parse_address(url)) as transport, pytest.raises(RelayDownError):
            transport.deliver_all(source)
    results = Counter(source.results.values())
    assert (results["replied"], len(source.waiting) > 50) == (20, True)


@pytest.mark.parametrize("stage", ["rcpt", "data", "end"])
def test_a_relay_that_sends_us_away_is_left_alone_at_once(stage: str) -> None:
    """421 within a message: nothing more is offered, no connection opened, nothing uncertain."""
    numbers = count(1)
    script: Script = {stage: lambda _: "421 4.3.2 too busy" if next(numbers) == 20 else None}
    source = make_source(200)
    with SmtpServer(script) as server:
        url = f"{server.url}&connections=4"
        with (
            SmtpTransport(parse_address(url)) as transport,
            pytest.raises(RelayDownError, match="421") as caught,
        ):
            transport.deliver_all(source)
    assert caught.value.reply == Reply(421, "4.3.2 too busy")
    results = Counter(source.results.values())
    assert not results["uncertain"]
    assert results["unsent"]
    assert results["replied"] < 30
    assert len(source.waiting) > 150
    assert connections(server) == 4


def test_what_was_prepared_is_returned_before_slower_connections_reply() -> None:
    """One is sent away while another waits, perhaps for minutes, for the reply to a message."""
    is_held, is_returned = threading.Event(), threading.Event()
    in_time: list[bool] = []

    class Returning(Source):
        def return_unsent(self, message: OutgoingMessage) -> None:
            super().return_unsent(message)
            if list(self.results.values()).count("unsent") == 2:  # one offered, one prepared
                is_returned.set()

    def rcpt(address: str) -> str | None:
        if address.startswith("s9@"):  # the first one
            return None
        is_held.wait(5)
        return "421 4.3.2 too busy"

    def end(_: str) -> None:
        is_held.set()
        in_time.append(is_returned.wait(3))

    source = Returning(make_source(10).waiting)
    with SmtpServer({"rcpt": rcpt, "end": end}) as server:
        address = parse_address(f"{server.url}&connections=2")
        with SmtpTransport(address) as transport, pytest.raises(RelayDownError, match="421"):
            transport.deliver_all(source)
    assert in_time == [True]


def test_enough_messages_over_a_connection_is_no_refusal() -> None:
    """Some relays say so with 421 to the next MAIL; the rest goes over other connections."""
    served = threading.local()  # the server has a thread for each connection

    def mail(_: str) -> str | None:
        served.messages = getattr(served, "messages", 0) + 1
        return "421 4.7.0 enough, connect again" if served.messages > 5 else None

    server, results = deliver({"mail": mail}, 60)
    assert (results["replied"] + results["unsent"], results["waiting"]) == (60, 0)
    assert results["replied"] >= 45
    assert connections(server) > 8


class BlockingSource(Source):
    """Waits for its database whenever it is asked for a message, until all that began arrived."""

    def __init__(self, messages: Iterable[OutgoingMessage], server: SmtpServer) -> None:
        super().__init__(messages)
        self.server = server
        self.begun = 0
        self.withheld = 0  # at how many calls something had begun and did not arrive

    def next_message(self) -> OutgoingMessage | None:
        until = time.monotonic() + 1
        while len(self.server.received) < self.begun and time.monotonic() < until:
            time.sleep(0.001)
        self.withheld += len(self.server.received) < self.begun
        return super().next_message()

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        self.begun += len(ready)
        return super().record_round(replies, ready)


@pytest.mark.parametrize("extensions", [(), ("PIPELINING",), ("PIPELINING", "CHUNKING")])
def test_what_has_begun_leaves_before_the_source_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, extensions: tuple[str, ...]
) -> None:
    """The source may wait until a lease is over, and somebody else sends the message."""
    monkeypatch.setattr(SmtpServer, "EXTENSIONS", extensions)
    with SmtpServer() as server:
        source = BlockingSource(make_source(6).waiting, server)
        with SmtpTransport(parse_address(f"{server.url}&connections=2")) as transport:
            transport.deliver_all(source)
    assert Counter(source.results.values()) == {"replied": 6}
    assert source.withheld == 0


def test_connections_that_are_refused_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that had no room for a second one may have it a moment later."""
    monkeypatch.setattr("digest.relays.transports.smtp.loop.REOPEN_SECONDS", 0.1)
    numbers = count(1)
    script: Script = {
        "connect": lambda _: (
            "421 4.7.0 too many connections" if next(numbers) in {2, 3, 4} else None
        )
    }
    source = make_source(150)
    with SmtpServer(script, delay=0.02) as server:
        with SmtpTransport(parse_address(f"{server.url}&connections=4")) as transport:
            transport.deliver_all(source)
        assert server.most_connections > 1
    assert Counter(source.results.values()) == {"replied": 150}


@pytest.mark.parametrize("messages", [1, 3])
def test_a_relay_that_took_everything_is_not_down(messages: int) -> None:
    """It refuses another connection, which nothing would go over."""
    script: Script = {"connect": every(2, "421 4.7.0 too many connections")}
    _, results = deliver(script, messages, f"&connections=1&messages={messages}")
    assert results == {"replied": messages}


@pytest.mark.parametrize("messages", [1, 3])
def test_a_relay_that_closes_behind_its_last_reply_is_not_down(messages: int) -> None:
    """It takes no other connection for a moment, which nothing would go over."""
    connected, ended = count(1), count(1)
    script: Script = {
        "connect": lambda _: "421 4.3.2 closing" if next(connected) > 1 else None,
        "end": lambda _: "250 ok" + "\r\n421 4.3.2 bye" * (next(ended) == messages),
    }
    _, results = deliver(script, messages, "&connections=1")
    assert results == {"replied": messages}


@pytest.mark.parametrize("reply", ["250 2.0.0 ok", "550 5.1.1 nobody"])
def test_a_reply_counts_whatever_comes_behind_it(reply: str) -> None:
    """In one packet with it: an error page of a proxy, say."""
    _, results = deliver({"end": lambda _: f"{reply}\r\n<html>Bad gateway</html>"}, 1)
    assert results == {"replied": 1}


def test_a_password_that_becomes_unreadable_stops_no_other_connection(tmp_path: Path) -> None:
    """What is on its way is not uncertain because a further connection cannot be opened."""
    password = tmp_path / "password"
    password.write_bytes(b"secret")

    def auth(_: str) -> str:
        password.write_bytes(b"\xff")
        return "235 2.7.0 ok"

    script: Script = {"ehlo": lambda _: "250-test\r\n250 AUTH PLAIN", "auth": auth}
    source = make_source(50)
    with SmtpServer(script, delay=0.01) as server:
        url = server.url.replace("//", "//me@") + f"&connections=4&password_file={password}"
        with SmtpTransport(parse_address(url)) as transport:
            transport.deliver_all(source)
    assert Counter(source.results.values()) == {"replied": 50}


def test_a_connection_in_the_clear_loads_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes as long as a hundred messages."""

    def refuse() -> ssl.SSLContext:
        raise AssertionError

    monkeypatch.setattr(ssl, "create_default_context", refuse)
    _, results = deliver({}, 3)
    assert results == {"replied": 3}
