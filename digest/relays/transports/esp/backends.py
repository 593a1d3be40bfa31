"""Anymail's backends where Digest needs more of the provider's API than anymail uses."""

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
    make = import_string(address.provider.backend)
    wait = (CONNECT_SECONDS, address.seconds)
    # What became of a recipient is read from the status, so that nothing needs to be raised.
    return make(ignore_recipient_status=True, timeout=wait, **address.options)


def keep_to_itself(backend: Any) -> None:
    """Let a redirect take our secrets nowhere, and threads share no cookies."""
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
    """Return anymail's backend, which hands our bytes to SES as they are; boto3 is optional.

    boto3 does not repeat a call by itself: a mail could go twice.
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
        ready = ("message.eml", self.message.ready, "message/rfc822")
        return params | {"files": {"message": ready}}


class MailgunMime(mailgun.EmailBackend):  # type: ignore[misc]
    """Hands our bytes over unchanged; anymail's own backend writes the message anew."""

    def build_message_payload(self, message: Any, defaults: Any) -> _MimePayload:
        return _MimePayload(message, defaults, self)


class PostmarkBatch(postmark.EmailBackend):  # type: ignore[misc]
    """One call for many messages, each with headers and bodies of its own.

    Anymail uses the same endpoint for one message to many subscribers, whose bodies are all the
    same. Postmark answers 200 with a list in the order of the messages, one verdict for each.
    """

    def send_all(
        self, mails: Sequence[EmailMultiAlternatives]
    ) -> list[AnymailRecipientStatus | Exception]:
        """Send, and return a status or a problem for each mail, in their order.

        Raises what anymail raises for a call that fails as a whole.
        """
        payloads = [self._payload(mail) for mail in mails]
        ready = [each for each in payloads if not isinstance(each, Exception)]
        verdicts = iter(self._post(ready) if ready else [])
        return [
            each if isinstance(each, Exception) else self._verdict(each, next(verdicts))
            for each in payloads
        ]

    def _payload(self, mail: EmailMultiAlternatives) -> Any:
        try:
            return self.build_message_payload(mail, self.send_defaults)
        except AnymailError as problem:
            return problem

    def _post(self, payloads: Sequence[Any]) -> list[Any]:
        call = _Batch(payloads)
        response = self.post_to_esp(call, payloads[0].message)
        answer = self.deserialize_json_response(response, call, payloads[0].message)
        if not isinstance(answer, list) or len(answer) != len(payloads):
            raise AnymailRequestsAPIError(response=response, backend=self)
        return answer

    def _verdict(self, payload: Any, verdict: Any) -> AnymailRecipientStatus | Exception:
        code = verdict.get("ErrorCode", 0) if isinstance(verdict, dict) else 0
        try:
            found = self.parse_recipient_status(_alone(verdict, code), payload, payload.message)
        except Exception as problem:  # noqa: BLE001  (anymail stumbles over what is no verdict)
            return problem
        known = [each for each in found.values() if each.status != "unknown"]
        if code and not known:
            return AnymailRecipientStatus(message_id=None, status="rejected")
        return known[0] if known else AnymailRecipientStatus(message_id=None, status="unknown")


class _Batch:
    """Payloads as one request."""

    def __init__(self, payloads: Sequence[Any]) -> None:
        self.payloads = payloads

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        first = self.payloads[0]
        params: dict[str, Any] = first.get_request_params(api_url)
        messages = first.serialize_json([each.data for each in self.payloads])
        return params | {"url": f"{api_url}email/batch", "data": messages}


# Postmark's error codes that concern us, as the HTTP status that would say the same: a bad token,
# an unknown or unconfirmed sender, no leave to send, maintenance, too many calls.
_AS_HTTP: Mapping[int, int] = {
    **dict.fromkeys((10, 400, 401, 405, 412, 413), 403),
    0: 200,
    100: 503,
    429: 429,
}


def _alone(verdict: Any, code: int) -> requests.Response:
    """Return one verdict of a list as the answer that it would be to a call of its own."""
    response = requests.Response()
    response.status_code = _AS_HTTP.get(code, 422)
    response.reason = f"ErrorCode {code}"
    response.encoding = "utf-8"
    response.raw = BytesIO(dumps(verdict).encode())
    return response
