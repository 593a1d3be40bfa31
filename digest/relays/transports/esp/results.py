"""What a provider's answer means, as an SMTP reply. Pure.

accepted                                       250, with the provider's id in the text
recipient on its suppression list              550 5.1.0
invalid address of the recipient               550 5.1.3
too big                                        552 5.3.4
call not understood, sending failed            451: a wrong option fails no recipient for good
refused us, throttled, broken, unreachable     RelayDownError: certainly not handed over
no answer, an unreadable one, 502, 504         ReplyLostError: nobody knows
500 without an error of the provider's own     the same: it may have failed behind the queue
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

from digest.core.http.fields import retry_after
from digest.relays.errors import RelayDownError, ReplyLostError, UnfitMessageError
from digest.relays.transports.base import Reply

CallResult = Reply | RelayDownError | ReplyLostError

# Client errors that concern our account, not the message: key, plan, address of the API.
_REFUSES_US = {401, 402, 403, 404, 405, 407, 408, 420, 429}  # 420: SparkPost's hourly limit
# The gateway had no answer that it could read (RFC 9110 §15.6.3, §15.6.5, Cloudflare): the server
# behind it may have accepted the message.
_UNKNOWN_BEHIND_GATEWAY = {502, 504, 520, 524}
_AMAZON_REFUSES_US = {
    "AccountSuspendedException",
    "LimitExceededException",
    "MailFromDomainNotVerifiedException",
    "SendingPausedException",
    "ThrottlingException",
}
# Mailgun, SendGrid, Resend, Brevo, MailerSend, in this order
_INVALID_RECIPIENT = re.compile(
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
    http.TooManyRedirects,  # redirects are not followed
    ssl.SSLCertVerificationError,
    wire.ConnectTimeoutError,
    wire.NewConnectionError,
)
# botocore's, by name: it is installed only where Amazon SES is used
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


def result_of_status(status: str | None, message_id: Any) -> CallResult:
    """Return what anymail's status of a recipient means."""
    identified = f" as {message_id}" if message_id not in {None, ""} else ""
    if status in {"sent", "queued"}:
        return Reply(250, f"2.0.0 {status}{identified}")
    if status == "rejected":
        return Reply(550, "5.1.0 The provider no longer sends to this address.")
    if status == "invalid":
        return Reply(550, "5.1.3 The provider calls this address invalid.")
    if status == "failed":
        return Reply(451, "4.3.0 The provider could not send it.")
    return ReplyLostError(
        f"The provider answered, but not whether it sent the message{identified}."
    )


def result_of_error(error: Exception, text: str) -> CallResult:
    """Return what an exception of anymail means; `text` is its message on one line."""
    if isinstance(error, UnfitMessageError):
        return Reply(554, f"5.6.1 {text}")
    if isinstance(
        error, AnymailUnsupportedFeature | AnymailInvalidAddress | AnymailSerializationError
    ):
        return Reply(451, f"4.3.3 {text}")
    if status := _http_status(error):
        if status in _UNKNOWN_BEHIND_GATEWAY or (status == 500 and not _is_own_error(error)):
            return ReplyLostError(text)
        result = _result_of_http(status, _amazon_code(error), text + _wait_of(error))
        if isinstance(result, RelayDownError):
            result.retry_after = retry_after(_retry_after(error)) or 0
        return result
    if any(_is_before_sending(inner) for inner in _wrapped(error)):
        return RelayDownError(text)
    return ReplyLostError(text)


def _result_of_http(status: int, amazon: str, text: str) -> CallResult:
    if status < 300:
        return ReplyLostError(text)
    if status < 400 or status >= 500 or status in _REFUSES_US or amazon in _AMAZON_REFUSES_US:
        return RelayDownError(text)
    if status == 413:
        return Reply(552, f"5.3.4 {text}")
    if _INVALID_RECIPIENT.search(text):
        return Reply(550, f"5.1.3 {text}")
    return Reply(451, f"4.3.0 {text}")


def _http_status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _amazon_code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _is_own_error(error: Exception) -> bool:
    """Say whether the provider explains an error, as something in front of it would not."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # where botocore finds no error in it, the status is the code
        code = _amazon_code(error)
        return bool(code) and not code.isdigit()
    try:
        body = response.json() if response is not None else None
    except ValueError:
        return False
    return isinstance(body, dict) and bool(body)


def _wait_of(error: Exception) -> str:
    value = _retry_after(error)
    return f" (Retry-After: {value})" if value else ""


def _retry_after(error: Exception) -> str:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return str(headers.get("Retry-After", ""))[:40]


def _is_before_sending(error: BaseException) -> bool:
    name, module = type(error).__name__, type(error).__module__
    if module.startswith("botocore."):
        return name in _BOTO_BEFORE_SENDING
    return isinstance(error, _BEFORE_SENDING)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps; each library wraps in its own way."""
    unwrapped: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        inner = queue.pop()
        if isinstance(inner, BaseException) and not any(inner is other for other in unwrapped):
            unwrapped.append(inner)
            queue += [
                inner.__cause__,
                inner.__context__,
                getattr(inner, "reason", None),
                *inner.args,
            ]
    yield from unwrapped
