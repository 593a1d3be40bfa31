"""One conversation, whose relay breaks off at an awkward moment."""

import socket

import pytest

from digest.relays.transports.base import Envelope, OutgoingMessage, Reply
from digest.relays.transports.smtp.capabilities import Capabilities
from digest.relays.transports.smtp.conversation import Conversation
from digest.relays.transports.smtp.errors import BrokenConversationError
from digest.relays.transports.smtp.round import Round
from digest.relays.transports.smtp.session import Session
from digest.relays.transports.smtp.wire import NotSmtpError, Replies, reply_text
from tests.relays.smtp.sources import Source

MAIL = b"Subject: Tide\r\n\r\nHigh water at noon.\r\n"


def refuse(problem: str, reply: Reply | None) -> None:
    """Refuse to be called."""
    raise AssertionError


def test_a_refusal_counts_although_the_relay_is_gone() -> None:
    """It says 354 all the same, and takes no empty message any more."""
    client, server = socket.socketpair()
    envelope = Envelope("news@courier.example", "bo@reader.example")
    source = Source([OutgoingMessage(7, envelope, MAIL)])
    round_ = Round(source, refuse)
    conversation = Conversation(Session(client, Capabilities(pipelining=True), ""), 10)
    conversation.start(round_)
    assert server.recv(1_000).endswith(b"DATA\r\n")
    server.sendall(b"250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n")
    server.close()
    with pytest.raises(BrokenConversationError, match="pipe"):
        conversation.read(round_)
    conversation.abandon(round_, "broke")
    round_.end([])
    assert source.results == {7: "replied"}


def test_replies_before_something_else_are_complete() -> None:
    """What comes behind them is not waited for, and never read as a reply."""
    with pytest.raises(NotSmtpError, match="nonsense") as caught:
        Replies().feed(b"250 ok\r\n550 5.1.1 nobody\r\nnonsense\r\n250 ok\r\n")
    assert caught.value.replies == [(250, b"ok"), (550, b"5.1.1 nobody")]


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"250 2.0.0 ok\r\r\n", "2.0.0 ok"),
        (b"250 2.0.0 ok\n", "2.0.0 ok"),
        (b"250-2.0.0 ok\r\r\n250 as\r7\r\n", "2.0.0 ok as 7"),
    ],
)
def test_a_careless_line_end_is_no_broken_reply(octets: bytes, text: str) -> None:
    """Else a message that the server accepted would be uncertain."""
    [(code, content)] = Replies().feed(octets)
    assert (code, reply_text(content)) == (250, text)
