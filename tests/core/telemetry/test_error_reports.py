"""Errors are reported to a scripted service, and no address or token leaves with them."""

import gzip
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pytest_django.fixtures import Settings

from digest.core import env
from digest.core.errors import ConfigurationError
from digest.core.telemetry import error_reports
from tests.provider_server import Answer, ProviderServer, Request

log = structlog.get_logger("digest.trial")
TOKEN = "dg_" + "k" * 40
SECRETS = ("kim@courier.example", "kim%40courier.example", "kim@", TOKEN, "tok3n-of-a-subscriber")


@pytest.fixture
def service(settings: Settings) -> Iterator[ProviderServer]:
    """A service that takes every report of this process."""
    with ProviderServer(lambda _request: Answer()) as server:
        settings.DIGEST_SENTRY_DSN = server.url.replace("://", "://key@") + "1"
        error_reports.start("worker")
        yield server
        error_reports.stop()


def events_of(server: ProviderServer) -> list[dict[str, Any]]:
    """Return the events that arrived, once all are on their way."""
    error_reports.stop()
    return [_event(request) for request in server.requests]


def text_of(request: Request) -> str:
    """Return a report as it was sent."""
    is_packed = request.headers["Content-Encoding"] == "gzip"
    return (gzip.decompress(request.body) if is_packed else request.body).decode()


def _event(request: Request) -> dict[str, Any]:
    """Return the event of an envelope: its third line."""
    event: dict[str, Any] = json.loads(text_of(request).splitlines()[2])
    return event


def fail_for(address: str) -> None:
    """Fail in a way that names somebody, in a variable and in words."""
    raise LookupError(f"nobody is called {address}, see /preferences/tok3n-of-a-subscriber/")


def test_an_error_arrives_without_addresses_and_tokens(service: ProviderServer) -> None:
    """With event, job, process and traceback; the values of variables stay here."""
    with structlog.contextvars.bound_contextvars(job="delivery.send", job_id="4711"):
        try:
            fail_for("kim@courier.example")
        except LookupError:
            log.exception(
                "not sent", to="kim@courier.example", link="?to=kim%40courier.example", token=TOKEN
            )
    [event] = events_of(service)
    [text] = [text_of(request) for request in service.requests]
    assert [secret for secret in SECRETS if secret in text] == []
    assert event["contexts"]["log"]["event"] == "not sent"
    assert event["contexts"]["log"]["to"] == "[redacted]@courier.example"
    assert event["tags"]["job"] == "delivery.send"
    assert event["tags"]["process"] == "worker"
    assert event["release"].startswith("digest@")
    [failure] = event["exception"]["values"]
    assert failure["type"] == "LookupError"
    frames = failure["stacktrace"]["frames"]
    assert frames[-1]["function"] == "fail_for"
    assert not any("vars" in frame for frame in frames)
    assert not {"request", "user", "extra"} & event.keys()
    assert event["breadcrumbs"] == {"values": []}


def test_records_of_other_libraries_are_reported_too(service: ProviderServer) -> None:
    """As Django's, of a page that failed; those of the reporting itself are not."""
    logging.getLogger("django.request").error(
        "Internal Server Error: %s", "/confirm/tok3n-of-a-subscriber"
    )
    logging.getLogger("urllib3.connectionpool").error("broken")
    [event] = events_of(service)
    assert event["message"] == "Internal Server Error: /confirm/[redacted]"
    assert event["tags"]["logger"] == "django.request"


def test_what_repeats_is_reported_once_a_minute(service: ProviderServer) -> None:
    """A database that is away makes a line every second in every process."""
    for number in range(50):
        log.error("database away", attempt=number)
    log.error("database full")
    events = events_of(service)
    assert [event["message"] for event in events] == ["database away", "database full"]


def test_warnings_stay_here(service: ProviderServer) -> None:
    """And nothing is sent when a process has nothing to report."""
    log.warning("slow", seconds=3)
    assert events_of(service) == []


def test_nothing_is_reported_unless_it_is_set() -> None:
    """Off by default: no handler, so no cost."""
    error_reports.start("web")
    assert not any(
        isinstance(handler, error_reports.ErrorReports) for handler in logging.getLogger().handlers
    )


def test_a_missing_client_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, with what to install."""
    monkeypatch.setenv("DIGEST_SENTRY_DSN", "https://key@errors.example/1")
    with pytest.raises(ConfigurationError, match=r"digest-newsletter\[sentry\]"):
        env.place("DIGEST_SENTRY_DSN", "no_such_module.below", "sentry")
    assert env.place("DIGEST_SENTRY_DSN", "sentry_sdk", "sentry")
    monkeypatch.setenv("DIGEST_SENTRY_DSN", "key@errors.example/1")
    with pytest.raises(ConfigurationError, match="begins with https"):
        env.place("DIGEST_SENTRY_DSN", "sentry_sdk", "sentry")
