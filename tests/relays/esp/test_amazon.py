"""Amazon SES, where boto3 is installed."""

import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from digest.core.errors import ConfigurationError
from digest.relays.errors import RelayDownError
from digest.relays.transports import transport_for
from digest.relays.transports.base import Transport
from tests.provider_server import CUT, HANG, Answer, ProviderServer, Script
from tests.relays.esp.support import RecordingSource, outgoing


def test_amazon_without_boto_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 is optional."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "anymail.backends.amazon_ses", raising=False)
    with pytest.raises(ConfigurationError, match="boto3"):
        transport_for("anymail+amazon_ses://ACCESS:SECRET@eu-west-1")


@contextmanager
def amazon(script: Script) -> Iterator[tuple[ProviderServer, Transport]]:
    """Start a server that plays SES, and a transport that talks to it."""
    pytest.importorskip("boto3")
    with ProviderServer(script) as server:
        url = f"anymail+amazon_ses://ACCESS:s3cr%2Ft-key@eu-west-1?api_url={server.url}&timeout=0.3"
        with transport_for(url) as transport:
            yield server, transport


def test_amazon_gets_our_octets() -> None:
    """As raw content, to the envelope's recipient, in one call."""
    with amazon(lambda _: Answer.of({"MessageId": "0100-ses"})) as (server, transport):
        transport.deliver_all(source := RecordingSource(3))
    assert set(source.results.values()) == {"250 2.0.0 queued as 0100-ses"}
    for request in server.requests:
        [to] = request.json["Destination"]["ToAddresses"]
        sent = b64decode(request.json["Content"]["Raw"]["Data"])
        number = to.removeprefix("subscriber").partition("@")[0]
        assert sent == outgoing(int(number)).content


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer.of({"message": "x"}, 403, x_amzn_ErrorType="InvalidClientTokenId"), "unsent"),
        (Answer.of({"message": "x"}, 429, x_amzn_ErrorType="TooManyRequestsException"), "unsent"),
        (Answer.of({"message": "x"}, 400, x_amzn_ErrorType="SendingPausedException"), "unsent"),
        (Answer.of({"message": "x"}, 500, x_amzn_ErrorType="InternalFailure"), "unsent"),
        (Answer(500, b"<html>oops"), "uncertain"),
        (Answer(500, b"upstream error"), "uncertain"),
        (Answer.of({"message": "x"}, 400, x_amzn_ErrorType="MessageRejected"), "451"),
        (Answer.of({"odd": "x"}), "uncertain"),
        (CUT, "uncertain"),
        (HANG, "uncertain"),
    ],
)
def test_amazons_answers_are_read(answer: Answer | str, result: str) -> None:
    """boto3 does not repeat a call by itself."""
    with amazon(lambda _: answer) as (server, transport):
        source = RecordingSource(1)
        with nullcontext() if result == "451" else pytest.raises(RelayDownError):
            transport.deliver_all(source)
    assert source.results[1].startswith(result)
    assert len(server.requests) == 1


def test_amazon_out_of_reach_has_nothing() -> None:
    """The connection is refused."""
    with amazon(lambda _: CUT) as (server, transport):
        server.stop()
        with pytest.raises(RelayDownError):
            transport.deliver_all(source := RecordingSource(2))
    assert set(source.results.values()) == {"unsent"}
