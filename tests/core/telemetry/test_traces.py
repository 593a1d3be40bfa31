"""Traces go to a scripted collector: requests, jobs, statements, and nobody's address."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pytest_django.fixtures import Settings

from digest.core.errors import DigestError
from digest.core.telemetry import traces
from digest.subscribers.models import Subscriber
from tests.cast import make_newsletter, make_subscriber
from tests.provider_server import Answer, ProviderServer
from workers.task import job

pytestmark = pytest.mark.django_db


@pytest.fixture
def collector(settings: Settings) -> Iterator[ProviderServer]:
    """A collector that takes every trace of this process."""
    with ProviderServer(lambda _request: Answer(body=b"")) as server:
        settings.DIGEST_TRACES_URL = f"{server.url}v1/traces"
        settings.DIGEST_TRACES_SHARE = 1.0
        traces.start("web")
        yield server
        traces.stop()
        connection.execute_wrappers.clear()


def spans_of(server: ProviderServer) -> list[Span]:
    """Return the spans that arrived, once all are on their way."""
    traces.stop()
    exports = [ExportTraceServiceRequest.FromString(request.body) for request in server.requests]
    return [
        span
        for export in exports
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes_of(span: Span) -> dict[str, str | int]:
    """Return a span's attributes."""
    return {pair.key: pair.value.int_value or pair.value.string_value for pair in span.attributes}


def test_a_request_is_traced_with_its_statements(collector: ProviderServer, client: Client) -> None:
    """By class and route of its page; a stranger's trace is not continued."""
    newsletter = make_newsletter()
    foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client.get(f"/subscribe/{newsletter.slug}", headers={"traceparent": foreign})
    spans = {span.name: span for span in spans_of(collector)}
    request = spans["GET subscribe"]
    attributes = attributes_of(request)
    assert attributes["http.response.status_code"] == 200
    assert attributes["http.route"] == "subscribe/<slug:slug>"
    assert len(str(attributes["request_id"])) == 12
    assert request.trace_id.hex() != foreign.split("-")[1]
    statement = spans["SELECT"]
    assert statement.parent_span_id == request.span_id
    assert "%s" in str(attributes_of(statement)["db.query.text"])


def test_no_address_leaves(collector: ProviderServer) -> None:
    """Neither as a value of a statement nor written into one, nor in the text of an error."""
    make_subscriber(make_newsletter(), email="kim@courier.example")

    def work() -> None:
        assert Subscriber.objects.filter(email="kim@courier.example").exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'kim@courier.example'")
        raise DigestError("kim@courier.example is not there")

    with pytest.raises(DigestError), traces.span("job trial", {"job_id": "1"}):
        work()
    spans = spans_of(collector)
    [whole] = [span for span in spans if span.name == "job trial"]
    assert (whole.status.code, whole.status.message) == (2, "DigestError")
    assert len(spans) > 2
    assert not [request for request in collector.requests if b"kim" in request.body]


def test_a_job_is_traced(collector: ProviderServer) -> None:
    """With how it ended."""

    def rest() -> None:
        """Do nothing."""

    job("trial.rest")(rest)()
    [span] = spans_of(collector)
    assert span.name == "job trial.rest"
    assert attributes_of(span)["outcome"] == "done"


def test_nothing_is_traced_unless_it_is_set(client: Client) -> None:
    """Off by default: no statement is watched."""
    traces.start("web")
    assert traces._trace_statement not in connection.execute_wrappers
    with traces.span("GET home", {}) as current:
        current.set_attributes({"http.response.status_code": 200})


def test_statements_outside_of_a_request_have_no_span(collector: ProviderServer) -> None:
    """A thread that looks every second would fill the collector."""
    Subscriber.objects.count()
    assert spans_of(collector) == []
