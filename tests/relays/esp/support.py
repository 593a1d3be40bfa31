"""A provider that plays Postmark, Mailgun or Amazon SES, and mail to send through it."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.core import mail

from digest.relays.transports import transport_for
from digest.relays.transports.base import Envelope, OutgoingMessage, Replies
from digest.relays.transports.esp import EspTransport
from tests.provider_server import Answer, ProviderServer, Request, Script
from tests.rendering.mails import INES, compiled

SENDER = "news@courier.example"
SUBJECT = "Flut in Küstennähe: ירושלים, São Tomé und die lange Liste der Häfen, die heute schließen"
NAME = "Inés Ñáñez, die „Hafenmeisterin“ vom äußersten Ende der Mole von Saltmarsh"
ISSUE = compiled(newsletter={"subject": SUBJECT}, publication={"reply_to": "desk@courier.example"})


def outgoing(key: int) -> OutgoingMessage:
    """Return one subscriber's mail, with its own link, name and Message-ID."""
    to = replace(
        INES,
        email=f"subscriber{key}@reader.example",
        name=NAME,
        unsubscribe_url=f"https://digest.example/unsubscribe/AbC_d-{key}",
        unsubscribe_mailto=f"mailto:unsubscribe+{key}@in.example?subject=unsubscribe",
        message_id=f"7.{key}@courier.example",
    )
    return OutgoingMessage(key, Envelope(SENDER, to.email), ISSUE.message(to))


class RecordingSource:
    """A source of messages that records the result of each."""

    def __init__(self, count: int, denied: Collection[int] = ()) -> None:
        self.waiting = [outgoing(key) for key in range(1, count + 1)]
        self.denied = set(denied)
        self.batches: list[list[int]] = []
        self.results: dict[int, str] = {}
        self.ticks = 0

    def next_message(self) -> OutgoingMessage | None:
        return self.waiting.pop(0) if self.waiting else None

    def record_round(self, replies: Replies, ready: Sequence[OutgoingMessage]) -> Collection[int]:
        for message, reply in replies:
            self._record(message, f"{reply.code} {reply.text}")
        if ready:
            self.batches.append([message.key for message in ready])
        return {message.key for message in ready} - self.denied

    def mark_uncertain(self, message: OutgoingMessage, reason: str) -> None:
        self._record(message, f"uncertain: {reason}")

    def return_unsent(self, message: OutgoingMessage) -> None:
        self._record(message, "unsent")

    def stop(self) -> None: ...

    def tick(self) -> None:
        self.ticks += 1

    def _record(self, message: OutgoingMessage, result: str) -> None:
        assert message.key not in self.results, "reported twice"
        assert any(message.key in batch for batch in self.batches), "reported before it began"
        self.results[message.key] = result


def postmark_says(request: Request, verdicts: dict[int, dict[str, Any]] | None = None) -> Answer:
    """Accept every message of a batch except those with a verdict here, by position."""
    accepted = {"ErrorCode": 0, "Message": "OK"}
    return Answer.of(
        [
            (verdicts or {}).get(position)
            or accepted | {"To": message["To"], "MessageID": f"pm-{message['To'][-17:-16]}"}
            for position, message in enumerate(request.json)
        ]
    )


def mailgun_says(_: Request) -> Answer:
    """Accept every message."""
    return Answer.of({"id": "<20261123.1@mg.courier.example>", "message": "Queued. Thank you."})


DEFAULT_SCRIPTS: dict[str, Script] = {"postmark": postmark_says, "mailgun": mailgun_says}


@contextmanager
def provider(
    name: str, script: Script | None = None, query: str = ""
) -> Iterator[tuple[ProviderServer, EspTransport]]:
    """Start a server that plays a provider, and a transport that talks to it."""
    host = "mg.courier.example" if name == "mailgun" else "default"
    with ProviderServer(script or DEFAULT_SCRIPTS[name]) as server:
        url = f"anymail+{name}://s3cr%2Ft-key@{host}?api_url={server.url}{query}"
        transport = transport_for(url)
        assert isinstance(transport, EspTransport)
        with transport:
            yield server, transport


def outbox_params() -> dict[str, Any]:
    """Return what anymail's test backend made of the first mail."""
    params: dict[str, Any] = vars(mail.outbox[0])["anymail_test_params"]
    return params
