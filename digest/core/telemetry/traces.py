"""Traces of requests, jobs and their statements, to a collector of OpenTelemetry, if one is set.

A span has the class and the route of a page, or the name of a job; a statement's has its text, with
placeholders for values. So it holds no path, no query string, no value; texts are anonymized all
the same. Traces begin here: the id that a stranger sends with a request is not continued.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

from django.conf import settings
from django.db import connections
from django.db.backends.signals import connection_created

from digest import __version__
from digest.core import redaction

SECONDS = 2.0  # that a process waits at its end for what is on its way
LONGEST = 1_000  # characters of a statement
_MANY_COLUMNS = re.compile(r"SELECT .{200,}? FROM ")  # that Django names one by one

Values = Mapping[str, str | int]


class Span(Protocol):
    """What is known of a request, a job or a statement so far."""

    def set_attributes(self, attributes: Values) -> None:
        """Add to it."""


class _NoSpan:
    """A span of which nothing is kept."""

    def set_attributes(self, attributes: Values) -> None:
        """Drop what is added."""


_NO_SPAN = nullcontext(_NoSpan())
_providers: list[Any] = []  # at most one TracerProvider, of this process


def start(process: str) -> None:
    """Trace from now on, if DIGEST_TRACES_URL is set; `process` is what this one does."""
    if not settings.DIGEST_TRACES_URL:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    stop()
    resource = Resource.create(
        {
            "service.name": "digest",
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "digest.process": process,
        }
    )
    provider = TracerProvider(
        sampler=TraceIdRatioBased(settings.DIGEST_TRACES_SHARE),
        resource=resource,
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=settings.DIGEST_TRACES_URL, timeout=SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _providers.append(provider)
    connection_created.connect(_watch_statements)
    for connection in connections.all(initialized_only=True):
        _watch_statements(connection)


def stop() -> None:
    """Trace no more; hand over what is left."""
    while _providers:
        provider = _providers.pop()
        provider.force_flush(int(SECONDS * 1000))
        provider.shutdown()


def span(name: str, attributes: Values) -> Any:
    """Return the context of a request, a job or a statement; it costs little while off."""
    return _span(name, attributes) if _providers else _NO_SPAN


@contextmanager
def _span(name: str, attributes: Values) -> Iterator[Span]:
    from opentelemetry.trace import StatusCode

    tracer = _providers[0].get_tracer("digest")
    with tracer.start_as_current_span(
        redaction.anonymize(name),
        attributes=dict(attributes),
        record_exception=False,  # its text may name somebody
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as failure:
            current.set_status(StatusCode.ERROR, type(failure).__name__)
            raise


def _watch_statements(connection: Any, **_: Any) -> None:
    """Let each statement of a connection within a request or a job have a span of its own."""
    if _trace_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_trace_statement)


def _trace_statement(
    execute: Callable[..., Any],
    sql: Any,
    params: Any,
    many: bool,  # noqa: FBT001  Django's
    context: Any,
) -> Any:
    if not (_providers and _is_recorded()):
        return execute(sql, params, many, context)
    text = redaction.anonymize(_MANY_COLUMNS.sub("SELECT … FROM ", str(sql))[:LONGEST])
    attributes = {"db.system.name": "postgresql", "db.query.text": text}
    with _span(text.partition(" ")[0][:40], attributes):
        return execute(sql, params, many, context)


def _is_recorded() -> bool:
    from opentelemetry.trace import get_current_span

    return bool(get_current_span().is_recording())
