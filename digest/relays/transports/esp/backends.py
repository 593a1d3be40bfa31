"""Anymail's backends, and our own where Digest needs more of a provider's API."""

from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from json import dumps
from typing import Any

import requests
from anymail.backends import base_requests, mailgun, postmark
from anymail.exceptions import AnymailError, AnymailRequestsAPIError
from anymail.message import AnymailRecipientStatus
from django.core.mail import EmailMultiAlternatives
from django.utils.module_loading import import_string

from digest.core.errors import ConfigurationError
from digest.relays.transports.esp.address import CONNECT_SECONDS, PARALLEL, EspAddress


def backend_for(address: EspAddress) -> Any:
    """Return the backend of an address, not yet opened.

    Raises ConfigurationError if a library or an option is missing.
    """
    factory = import_string(address.provider.backend)
    wait = (CONNECT_SECONDS, address.seconds)
    # The outcome of each recipient is read from the status, so nothing needs to be raised.
    return factory(ignore_recipient_status=True, timeout=wait, **address.options)


def restrict_session(backend: Any) -> None:
    """Follow no redirect with our secrets, and share no cookies between threads."""
    if isinstance(backend, base_requests.AnymailRequestsBackend):
        backend.session.max_redirects = 0
        backend.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))


def amazon_ses(
    timeout: tuple[float, float],
    region: str = "",
    access_key: str = "",
    secret_key: str = "",
    api_url: str = "",
    **options: Any,
) -> Any:
    """Return anymail's backend, which sends our bytes to SES unchanged; boto3 is optional.

    boto3 must not repeat a call by itself: that could send a mail twice.
    """
    try:
        backend = import_string("anymail.backends.amazon_ses.EmailBackend")
    except ImportError:
        raise ConfigurationError(
            "Amazon SES needs boto3: pip install 'django-anymail[amazon-ses]'"
        ) from None
    session = {
        "region_name": region,
        "aws_access_key_id": access_key,
        "aws_secret_access_key": secret_key,
    }
    config = {
        "connect_timeout": timeout[0],
        "read_timeout": timeout[1],
        "retries": {"total_max_attempts": 1},
        "max_pool_connections": PARALLEL,
    }
    client = {"config": config} | ({"endpoint_url": api_url} if api_url else {})
    params = {name: value for name, value in session.items() if value}
    return backend(session_params=params, client_params=client, **options)


class _MimePayload(mailgun.MailgunPayload):  # type: ignore[misc]
    """POST …/messages.mime with our message as a file."""

    def get_api_endpoint(self) -> str:
        return f"{super().get_api_endpoint()}.mime"

    def serialize_data(self) -> dict[str, Any]:
        return {"to": self.data["to"]}

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        params: dict[str, Any] = super().get_request_params(api_url)
        file = ("message.eml", self.message.content, "message/rfc822")
        return params | {"files": {"message": file}}


class MailgunMime(mailgun.EmailBackend):  # type: ignore[misc]
    """Sends our bytes unchanged; anymail's own backend sends the fields of a message."""

    def build_message_payload(self, message: Any, defaults: Any) -> _MimePayload:
        return _MimePayload(message, defaults, self)


class PostmarkBatch(postmark.EmailBackend):  # type: ignore[misc]
    """One call for many messages, each with its own headers and bodies.

    Anymail uses the same endpoint for one message to many subscribers, whose bodies are all the
    same. Postmark answers 200 with a list in the order of the messages, one verdict for each.
    """

    def send_all(
        self, messages: Sequence[EmailMultiAlternatives]
    ) -> list[AnymailRecipientStatus | Exception]:
        """Send, and return a status or an error for each message, in their order.

        Raises anymail's error for a call that fails as a whole.
        """
        payloads = [self._payload(message) for message in messages]
        valid = [payload for payload in payloads if not isinstance(payload, Exception)]
        verdicts = iter(self._post(valid) if valid else [])
        return [
            payload if isinstance(payload, Exception) else self._status(payload, next(verdicts))
            for payload in payloads
        ]

    def _payload(self, message: EmailMultiAlternatives) -> Any:
        try:
            return self.build_message_payload(message, self.send_defaults)
        except AnymailError as problem:
            return problem

    def _post(self, payloads: Sequence[Any]) -> list[Any]:
        call = _Batch(payloads)
        response = self.post_to_esp(call, payloads[0].message)
        answer = self.deserialize_json_response(response, call, payloads[0].message)
        if not isinstance(answer, list) or len(answer) != len(payloads):
            raise AnymailRequestsAPIError(response=response, backend=self)
        return answer

    def _status(self, payload: Any, verdict: Any) -> AnymailRecipientStatus | Exception:
        code = verdict.get("ErrorCode", 0) if isinstance(verdict, dict) else 0
        try:
            response = _single_response(verdict, code)
            recipients = self.parse_recipient_status(response, payload, payload.message)
        except Exception as problem:  # noqa: BLE001  (anymail cannot parse what is not a verdict)
            return problem
        statuses = [status for status in recipients.values() if status.status != "unknown"]
        if statuses:
            return statuses[0]
        return AnymailRecipientStatus(message_id=None, status="rejected" if code else "unknown")


class _Batch:
    """Several payloads as one request."""

    def __init__(self, payloads: Sequence[Any]) -> None:
        self.payloads = payloads

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        first = self.payloads[0]
        params: dict[str, Any] = first.get_request_params(api_url)
        messages = first.serialize_json([payload.data for payload in self.payloads])
        return params | {"url": f"{api_url}email/batch", "data": messages}


# Postmark's error codes that concern our account, as the HTTP status with the same meaning: a bad
# token, an unknown or unconfirmed sender, no permission to send, maintenance, too many calls.
_HTTP_STATUS: Mapping[int, int] = {
    **dict.fromkeys((10, 400, 401, 405, 412, 413), 403),
    0: 200,
    100: 503,
    429: 429,
}


def _single_response(verdict: Any, code: int) -> requests.Response:
    """Return one verdict of a batch as the response to a call with that message alone."""
    response = requests.Response()
    response.status_code = _HTTP_STATUS.get(code, 422)
    response.reason = f"ErrorCode {code}"
    response.encoding = "utf-8"
    response.raw = BytesIO(dumps(verdict).encode())
    return response
