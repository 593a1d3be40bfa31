"""Delivers mail through a provider's API, several messages at once.

    take a few messages > record that they begin > call > report the result of each

Each subscriber's mail differs from the others, in Message-ID, links and perhaps stories. Anymail's
batches (merge_data, merge_headers) send one message to many, so Digest cannot use them:

    Mailgun, Amazon SES   accept our bytes unchanged
    Postmark              one call for BATCH messages, each whole (backends.PostmarkBatch)
    the others            one call for each message, taken apart (messages)

Where a call carries one message, PARALLEL calls share a session. Nothing is repeated here: each
answer becomes an SMTP reply (results), and the ledger decides.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, Self

import requests

from digest.relays.errors import RelayDownError, ReplyLostError, UnfitMessageError
from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Reply
from digest.relays.transports.esp.address import CONNECT_SECONDS, PARALLEL, EspAddress
from digest.relays.transports.esp.backends import backend_for, restrict_session
from digest.relays.transports.esp.messages import RawMessage, mark, parsed_message
from digest.relays.transports.esp.results import CallResult, result_of_error, result_of_status
from digest.relays.transports.reasons import reason_of

TICK_SECONDS = 0.5  # between two calls of the source's tick
MAX_TEXT = 500  # characters of an error's text that are stored


class EspTransport:
    """Delivers mail to one provider over its API."""

    preserves_message = False  # providers sign by themselves and rewrite parts of a message

    def __init__(self, address: EspAddress) -> None:
        """Prepare; raises ConfigurationError if an option or a library is missing."""
        self.address = address
        self.connections = PARALLEL
        self._backend: Any = backend_for(address)
        self._calls = ThreadPoolExecutor(PARALLEL, thread_name_prefix="esp")
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def deliver(self, envelope: Envelope, content: bytes) -> Reply:
        """Deliver one message; see Transport.deliver."""
        self._open_session()
        [(_, result)] = self._deliver([OutgoingMessage(0, envelope, content)])
        if isinstance(result, Reply):
            return result
        raise result

    def deliver_all(self, source: MessageSource) -> None:
        """Deliver all messages of a source; see Transport.deliver_all. Stops at a lost answer."""
        self._open_session()
        messages = iter(source.next_message, None)
        while batch := list(islice(messages, self.address.provider.batch or self.connections)):
            allowed = _begin(source, batch)
            failures = [
                _report(source, message, result)
                for message, result in self._deliver(allowed, source.tick)
            ]
            for failure in filter(None, failures):
                raise RelayDownError(str(failure), retry_after=failure.retry_after) from failure

    def check(self) -> str:
        """Request the API's address; raises RelayDownError if it does not answer.

        Only the first message shows whether it accepts our key: no call exists that every provider
        answers with that.
        """
        self._open_session()
        url = self._api_url()
        if not url:
            return f"{self.address.name} needs no connection"
        try:
            response = requests.get(
                url, timeout=(CONNECT_SECONDS, self.address.seconds), allow_redirects=False
            )
        except requests.RequestException as cause:
            raise RelayDownError(f"{url} cannot be reached: {reason_of(cause)}") from cause
        if response.status_code >= 500:
            raise RelayDownError(f"{url} answers {response.status_code}")
        return f"{url} answers"

    def close(self) -> None:
        """Close the session."""
        self._calls.shutdown()
        if self._open:
            self._backend.close()
        self._open = False

    def _open_session(self) -> None:
        if self._open:
            return
        try:
            self._backend.open()
        except Exception as cause:  # noqa: BLE001  (nothing has been handed over yet)
            raise RelayDownError(f"{self.address.name}: {self._text(cause)}") from None
        restrict_session(self._backend)
        self._open = True

    def _api_url(self) -> str:
        client = getattr(self._backend, "client", None)
        return str(client.meta.endpoint_url if client else getattr(self._backend, "api_url", ""))

    def _deliver(
        self, messages: Sequence[OutgoingMessage], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[OutgoingMessage, CallResult]]:
        """Yield each message with its result, as the answers come in."""
        if self.address.provider.batch:
            pending = {self._calls.submit(self._call_batch, messages)}
        else:
            pending = {self._calls.submit(self._call_single, message) for message in messages}
        while pending:
            done, pending = wait(pending, TICK_SECONDS, FIRST_COMPLETED)
            for call in done:
                yield from call.result()
            tick()

    def _call_single(self, message: OutgoingMessage) -> list[tuple[OutgoingMessage, CallResult]]:
        """Make a call for one message."""
        try:
            mail = self._mail(message)
            self._backend.send_messages([mail])
            statuses = list(mail.anymail_status.recipients.values())
        except Exception as error:  # noqa: BLE001  (every error is an result of this message)
            return [(message, self._result(error))]
        return [(message, self._result(statuses[0] if len(statuses) == 1 else None))]

    def _call_batch(
        self, messages: Sequence[OutgoingMessage]
    ) -> list[tuple[OutgoingMessage, CallResult]]:
        """Make one call for all messages."""
        results: list[tuple[OutgoingMessage, CallResult]] = []
        mails = []
        for message in messages:
            try:
                mails.append((message, self._mail(message)))
            except UnfitMessageError as error:
                results.append((message, self._result(error)))
        try:
            statuses = self._backend.send_all([mail for _, mail in mails])
        except Exception as error:  # noqa: BLE001  (as above)
            statuses = [error] * len(mails)
        return results + [
            (message, self._result(status))
            for (message, _), status in zip(mails, statuses, strict=True)
        ]

    def _mail(self, message: OutgoingMessage) -> Any:
        if self.address.provider.accepts_raw:
            return RawMessage(message.envelope, message.content)
        try:
            provider = self.address.provider
            mail = parsed_message(message.envelope, message.content, provider.headers)
            mark(mail, provider.repeats)
        except (LookupError, ValueError) as cause:
            raise UnfitMessageError(f"The message cannot be parsed: {cause}") from cause
        return mail

    def _result(self, status: Any) -> CallResult:
        """Return what a status or an error means; neither of them: the reply is lost."""
        if isinstance(status, Exception):
            return result_of_error(status, self._text(status))
        return result_of_status(
            getattr(status, "status", None), getattr(status, "message_id", None)
        )

    def _text(self, error: Exception) -> str:
        """Return an error's text on one line, without our secrets."""
        text = " ".join(str(error).split()) or type(error).__name__
        for secret in self.address.secrets:
            text = text.replace(secret, "…")
        return "".join(char for char in text if char.isprintable())[:MAX_TEXT]


def _begin(source: MessageSource, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
    """Return the messages that may be sent; return the others unsent."""
    allowed = source.record_round((), messages)
    for message in messages:
        if message.key not in allowed:
            source.return_unsent(message)
    return [message for message in messages if message.key in allowed]


def _report(
    source: MessageSource, message: OutgoingMessage, result: CallResult
) -> RelayDownError | ReplyLostError | None:
    """Report the result of a message; return it if nothing more should be sent."""
    if isinstance(result, Reply):
        source.record_round([(message, result)], ())
        return None
    if isinstance(result, ReplyLostError):
        source.mark_uncertain(message, str(result))
    else:
        source.return_unsent(message)
    return result
