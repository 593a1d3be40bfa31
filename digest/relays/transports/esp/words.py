"""What a provider says, as anymail reports it, in the words of SMTP. Pure.

taken                                             250, the provider's id in the text
the subscriber is on its suppression list, no address 550 5.1.0, 550 5.1.3
too big                                           552 5.3.4
the call is not understood, sending failed        451: nobody's mail is lost by a wrong option
not let in, throttled, broken, out of reach       RelayDownError: surely not handed over
no answer, an unreadable one, a gateway's timeout ReplyLostError: nobody knows
"""

import re
import ssl
from collections.abc import Iterator
from typing import Any

from anymail.exceptions import (
    AnymailInvalidAddress,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from requests import exceptions as http
from urllib3 import exceptions as wire

from digest.relays.errors import RelayDownError, ReplyLostError
from digest.relays.transports.base import Reply
from digest.relays.transports.esp.mails import UnfitMessageError

Word = Reply | RelayDownError | ReplyLostError

# HTTP says "your request is wrong", but what is wrong is ours: key, account, address of the API.
_US = {401, 402, 403, 404, 405, 407, 408, 429}
_GATEWAY_GAVE_UP = {504, 524}  # whoever stands behind the gateway may have taken it
_OF_AMAZON = {
    "AccountSuspendedException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "SendingPausedException",
    "ThrottlingException",
}
# Mailgun, SendGrid, Resend, Brevo, MailerSend, in this order
_NO_ADDRESS = re.compile(
    r"to'? parameter is not a valid address|personalizations\.\d+\.to\b|invalid `to` field"
    r"|not valid in to\b|\bto\.\d+\.email\b",
    re.IGNORECASE,
)
_BEFORE_SENDING = (
    http.ConnectTimeout,
    http.InvalidHeader,
    http.InvalidSchema,
    http.InvalidURL,
    http.MissingSchema,
    http.ProxyError,
    http.TooManyRedirects,  # we follow none
    ssl.SSLCertVerificationError,
    wire.ConnectTimeoutError,
    wire.NewConnectionError,
)
# botocore's, by name: it is here only where Amazon is used
_BOTO_BEFORE_SENDING = {
    "ConnectTimeoutError",
    "CredentialRetrievalError",
    "EndpointConnectionError",
    "NoCredentialsError",
    "NoRegionError",
    "ParamValidationError",
    "PartialCredentialsError",
    "ProxyConnectionError",
}


def word_of_status(status: str | None, message_id: Any) -> Word:
    """Return what one of anymail's statuses for a recipient means."""
    known = f" as {message_id}" if message_id not in {None, ""} else ""
    if status in {"sent", "queued"}:
        return Reply(250, f"2.0.0 {status}{known}")
    if status == "rejected":
        return Reply(550, "5.1.0 The provider does not send to this address any more.")
    if status == "invalid":
        return Reply(550, "5.1.3 The provider says that this is no address.")
    if status == "failed":
        return Reply(451, "4.3.0 The provider could not send it.")
    return ReplyLostError(f"The provider answered, but did not say what became of it{known}.")


def word_of_problem(problem: Exception, said: str) -> Word:
    """Return what an exception of anymail's means; `said` is its text, on one line."""
    if isinstance(problem, UnfitMessageError):
        return Reply(554, f"5.6.1 {said}")
    if isinstance(
        problem, AnymailUnsupportedFeature | AnymailInvalidAddress | AnymailSerializationError
    ):
        return Reply(451, f"4.3.3 {said}")
    if status := _http_status(problem):
        return _word_of_http(status, _amazon_code(problem), said + _wait(problem))
    if any(_before_sending(each) for each in _within(problem)):
        return RelayDownError(said)
    return ReplyLostError(said)


def _word_of_http(status: int, amazon: str, said: str) -> Word:
    if status < 300 or status in _GATEWAY_GAVE_UP:
        return ReplyLostError(said)
    if status < 400 or status >= 500 or status in _US or amazon in _OF_AMAZON:
        return RelayDownError(said)
    if status == 413:
        return Reply(552, f"5.3.4 {said}")
    if _NO_ADDRESS.search(said):
        return Reply(550, f"5.1.3 {said}")
    return Reply(451, f"4.3.0 {said}")


def _http_status(problem: Exception) -> int | None:
    response = getattr(problem, "response", None)
    if isinstance(response, dict):  # botocore's
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(problem, "status_code", None)
    return status if isinstance(status, int) else None


def _amazon_code(problem: Exception) -> str:
    response = getattr(problem, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _wait(problem: Exception) -> str:
    headers = getattr(getattr(problem, "response", None), "headers", None) or {}
    wait = headers.get("Retry-After", "")
    return f" (Retry-After: {wait[:40]})" if wait else ""


def _before_sending(problem: BaseException) -> bool:
    name, module = type(problem).__name__, type(problem).__module__
    if module.startswith("botocore."):
        return name in _BOTO_BEFORE_SENDING
    return isinstance(problem, _BEFORE_SENDING)


def _within(problem: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps; each library wraps in a way of its own."""
    seen: list[BaseException] = []
    left: list[Any] = [problem]
    while left:
        each = left.pop()
        if isinstance(each, BaseException) and not any(each is other for other in seen):
            seen.append(each)
            left += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    yield from seen
