"""Why a mail server or a provider cannot be reached is said in words."""

import smtplib
import socket
import ssl

import pytest
import requests

from digest.relays.transports.reasons import reason_of
from tests.ports import reserve_port


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), "Connection unexpect"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_has_no_number(problem: Exception, expected: str) -> None:
    """Its words are the operating system's, or the library's."""
    assert reason_of(problem).startswith(expected)


def test_a_wrong_port_for_tls_is_said_in_words() -> None:
    """Without a place in OpenSSL's source."""
    problem = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    problem.reason = "WRONG_VERSION_NUMBER"
    assert reason_of(problem) == "wrong version number"


def test_what_lies_behind_a_library_is_found() -> None:
    """A provider's address at which nothing listens."""
    url = f"http://127.0.0.1:{reserve_port()}/"
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(url, timeout=5)
    assert "HTTPConnectionPool" in str(caught.value)
    assert reason_of(caught.value) == "Connection refused"
