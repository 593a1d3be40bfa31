"""Hands mail to a provider, several messages at once.

    take a few messages > note that they are begun > call > settle, doubt or give back each

Each subscriber's mail differs from the next one's, in Message-ID, links and perhaps stories.
Anymail's batches (merge_data, merge_headers) are one message for many, so they are no use here:

    Mailgun, Amazon SES   take our bytes unchanged
    Postmark              one call for BATCH messages, each whole (backends.PostmarkBatch)
    the others            one call a message, in which the message is taken apart (mails)

Where a call carries one message, PARALLEL calls are under way at once over one session. Nothing is
repeated here: what comes back is a word of SMTP's (words), and the ledger decides.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from types import TracebackType
from typing import Any, Self

import requests

from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.transports.base import Envelope, MessageSource, OutgoingMessage, Reply
from digest.relays.transports.esp.address import CONNECT_SECONDS, PARALLEL, EspAddress
from digest.relays.transports.esp.backends import backend_for, keep_to_itself
from digest.relays.transports.esp.mails import ReadyMail, UnfitMessageError, composed
from digest.relays.transports.esp.words import Word, word_of_problem, word_of_status

PULSE = 0.5  # seconds between two looks of the source at itself


class EspTransport:
    """Hands mail to one provider over its API."""

    preserves_message = False  # providers sign by themselves, and write parts of a message anew

    def __init__(self, address: EspAddress) -> None:
        """Prepare; raises ConfigurationError if an option or a library is missing."""
        self.address = address
        self.connections = PARALLEL
        self._backend: Any = backend_for(address)
        self._calls = ThreadPoolExecutor(PARALLEL, thread_name_prefix="esp")
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def deliver(self, envelope: Envelope, content: bytes) -> Reply:
        """Deliver one message; see Transport.deliver."""
        self._begin()
        [(_, word)] = self._words([OutgoingMessage(0, envelope, content)])
        if isinstance(word, Reply):
            return word
        raise word

    def deliver_all(self, source: MessageSource) -> None:
        """Deliver all messages of a source; see Transport.deliver_all. Stops at a lost answer."""
        self._begin()
        taken = iter(source.next_message, None)
        while batch := list(islice(taken, self.address.provider.batch or self.connections)):
            going = _begun(source, batch)
            troubles = [_note(source, *each) for each in self._words(going, source.tick)]
            for trouble in filter(None, troubles):
                raise RelayDownError(str(trouble)) from trouble

    def check(self) -> str:
        """Ask whether the API answers at all; raise RelayDownError if it doesn't.

        Whether it takes our key is known with the first message: there is no question about keys
        that every provider answers.
        """
        self._begin()
        url = self._url()
        if not url:
            return f"{self.address.name} needs no connection"
        try:
            answer = requests.get(
                url, timeout=(CONNECT_SECONDS, self.address.seconds), allow_redirects=False
            )
        except requests.RequestException as cause:
            raise RelayDownError(f"{url} cannot be reached: {cause}") from cause
        if answer.status_code >= 500:
            raise RelayDownError(f"{url} answers {answer.status_code}")
        return f"{url} answers"

    def close(self) -> None:
        """Close the session."""
        self._calls.shutdown()
        if self._open:
            self._backend.close()
        self._open = False

    def _begin(self) -> None:
        if self._open:
            return
        try:
            self._backend.open()
        except Exception as cause:  # noqa: BLE001  (nothing has been taken yet)
            raise RelayDownError(f"{self.address.name}: {self._said(cause)}") from None
        keep_to_itself(self._backend)
        self._open = True

    def _url(self) -> str:
        client = getattr(self._backend, "client", None)
        return str(client.meta.endpoint_url if client else getattr(self._backend, "api_url", ""))

    def _words(
        self, messages: Sequence[OutgoingMessage], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[OutgoingMessage, Word]]:
        """Yield each message with the provider's word on it, as the words come in."""
        if self.address.provider.batch:
            left = {self._calls.submit(self._batch, messages)}
        else:
            left = {self._calls.submit(self._single, message) for message in messages}
        while left:
            done, left = wait(left, PULSE, FIRST_COMPLETED)
            for call in done:
                yield from call.result()
            tick()

    def _single(self, message: OutgoingMessage) -> list[tuple[OutgoingMessage, Word]]:
        """Make a call for one message."""
        try:
            mail = self._mail(message)
            self._backend.send_messages([mail])
            found = list(mail.anymail_status.recipients.values())
        except Exception as problem:  # noqa: BLE001  (whatever it is, it is somebody's mail)
            return [(message, self._word(problem))]
        return [(message, self._word(found[0] if len(found) == 1 else None))]

    def _batch(self, messages: Sequence[OutgoingMessage]) -> list[tuple[OutgoingMessage, Word]]:
        """Make one call for all."""
        words, mails = [], []
        for message in messages:
            try:
                mails.append((message, self._mail(message)))
            except UnfitMessageError as problem:
                words.append((message, self._word(problem)))
        try:
            found = self._backend.send_all([mail for _, mail in mails])
        except Exception as problem:  # noqa: BLE001  (as above)
            found = [problem] * len(mails)
        return words + [
            (message, self._word(each)) for (message, _), each in zip(mails, found, strict=True)
        ]

    def _mail(self, message: OutgoingMessage) -> Any:
        if self.address.provider.takes_bytes:
            return ReadyMail(message.envelope, message.content)
        try:
            return composed(message.envelope, message.content, self.address.provider.headers)
        except (LookupError, ValueError) as cause:
            raise UnfitMessageError(f"The message cannot be taken apart: {cause}") from cause

    def _word(self, found: Any) -> Word:
        """Return the word of a status or a problem, or of neither."""
        if isinstance(found, Exception):
            return word_of_problem(found, self._said(found))
        return word_of_status(getattr(found, "status", None), getattr(found, "message_id", None))

    def _said(self, problem: Exception) -> str:
        """Return a problem's text on one line, without our secrets in it."""
        text = " ".join(str(problem).split()) or type(problem).__name__
        for secret in self.address.secrets:
            text = text.replace(secret, "…")
        return "".join(each for each in text if each.isprintable())[:500]


def _begun(source: MessageSource, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
    """Return the messages that may go; the others are given back."""
    may_go = source.begin(messages)
    for message in messages:
        if message.key not in may_go:
            source.return_unsent(message)
    return [message for message in messages if message.key in may_go]


def _note(
    source: MessageSource, message: OutgoingMessage, word: Word
) -> RelayDownError | ReplyLostError | None:
    """Tell the source what became of a message; return what speaks against going on."""
    if isinstance(word, Reply):
        source.record_reply(message, word)
        return None
    if isinstance(word, ReplyLostError):
        source.mark_uncertain(message, str(word))
    else:
        source.return_unsent(message)
    return word
