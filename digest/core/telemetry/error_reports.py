"""What is logged as an error, reported to a service that speaks Sentry's protocol, if one is set.

An event has the line of the log with its values, the traceback without the values of variables,
process, version, and the id of the request or job. The body of a request, cookies, headers and
addresses are never read, and every text is anonymized before it leaves (`redaction.anonymize`).
"""

import logging
import sys
import time
from typing import Any, cast

from django.conf import settings

from digest import __version__
from digest.core import redaction

QUIET = 60.0  # seconds in which the same line of the log is not reported again
SECONDS = 2.0  # that a process waits at its end for what is on its way
# Reports of these would cause others, and say nothing of Digest.
_IGNORED = ("sentry_sdk", "opentelemetry", "urllib3")
_TAGS = ("job", "job_id", "request_id")


class ErrorReports(logging.Handler):
    """Reports records of level ERROR and above, each at most once a minute."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._reported: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Report a record, unless the same was reported within the last minute."""
        title, values = _read(record)
        if record.name.startswith(_IGNORED) or not self._is_due((record.name, title)):
            return
        try:
            _capture(record, title, values)
        except Exception:  # noqa: BLE001  a failure to report must not become another error
            self.handleError(record)

    def _is_due(self, key: tuple[str, str]) -> bool:
        now = time.monotonic()
        if now - self._reported.get(key, -QUIET) < QUIET:
            return False
        if len(self._reported) > 1000:
            self._reported.clear()
        self._reported[key] = now
        return True


_handlers: list[ErrorReports] = []  # at most one, of this process


def start(process: str) -> None:
    """Report errors from now on, if DIGEST_SENTRY_DSN is set; `process` is what this one does."""
    if not settings.DIGEST_SENTRY_DSN:
        return
    import sentry_sdk

    stop()
    sentry_sdk.init(
        dsn=settings.DIGEST_SENTRY_DSN,
        release=f"digest@{__version__}",
        before_send=_anonymized,
        # Whatever reads requests, headers or arguments by itself stays off.
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        shutdown_timeout=SECONDS,
    )
    sentry_sdk.set_tag("process", process)
    handler = ErrorReports()
    _handlers.append(handler)
    logging.getLogger().addHandler(handler)


def stop() -> None:
    """Report no more; wait a moment for what is on its way."""
    if not _handlers:
        return
    import sentry_sdk

    while _handlers:
        logging.getLogger().removeHandler(_handlers.pop())
    sentry_sdk.flush(SECONDS)


def _capture(record: logging.LogRecord, title: str, values: dict[str, Any]) -> None:
    import sentry_sdk

    with sentry_sdk.new_scope() as scope:
        scope.set_tag("logger", record.name)
        for name in _TAGS:
            if name in values:
                scope.set_tag(name, str(values.pop(name)))
        scope.set_context("log", {"event": title} | {name: str(values[name]) for name in values})
        failure = _failure_of(record, values)
        if failure is None:
            sentry_sdk.capture_message(title, level="error")
        else:
            sentry_sdk.capture_exception(failure)


def _failure_of(record: logging.LogRecord, values: dict[str, Any]) -> BaseException | None:
    """Return the exception that a record is about; structlog has made its traceback a text."""
    if record.exc_info:
        return record.exc_info[1]
    return sys.exc_info()[1] if values.pop("exception", None) else None


def _read(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """Return the event and its values: of a record of structlog, or of any other."""
    if isinstance(record.msg, dict):
        values = {str(name): value for name, value in record.msg.items()}
        return str(values.pop("event", "")), values
    return record.getMessage(), {}


def _anonymized(event: Any, _hint: Any) -> Any:
    return _without_addresses(event)


def _without_addresses(value: Any) -> Any:
    """Return a value whose texts are anonymized, at any depth."""
    if isinstance(value, str):
        return redaction.anonymize(value)
    if isinstance(value, dict):
        return {name: _without_addresses(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [_without_addresses(content) for content in cast("list[Any]", value)]
    return value
