"""Only the system with the secret reports articles, and only lately."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from digest.connectors import signatures
from digest.connectors.errors import SignatureError
from digest.core import sealing
from digest.webhooks import signing
from tests.clock import NOON
from tests.connectors import ghost

BODY = b'{"type": "test"}'
SECRET = sealing.new_webhook_secret()
Check = Callable[[str, Mapping[str, str], bytes, object], str]


def standard(secret: str, body: bytes, seconds: int = 0) -> dict[str, str]:
    """The headers of Standard Webhooks, made by the code that signs Digest's own."""
    return signing.headers(secret, "msg_1", int(NOON.timestamp()) + seconds, body)


def of_ghost(secret: str, body: bytes, seconds: int = 0) -> dict[str, str]:
    """The header of Ghost."""
    return ghost.sign(secret, body, NOON + timedelta(seconds=seconds))


SCHEMES = pytest.mark.parametrize(
    ("sign", "check"),
    [(standard, signatures.check_standard), (of_ghost, signatures.check_ghost)],
    ids=["standard", "ghost"],
)
Sign = Callable[..., dict[str, str]]


@SCHEMES
def test_a_signed_call_has_an_id(sign: Sign, check: Check) -> None:
    """The same call has the same one, another call another."""
    headers = sign(SECRET, BODY)
    assert check(SECRET, headers, BODY, NOON) == check(SECRET, headers, BODY, NOON)
    if sign is standard:
        assert check(SECRET, headers, BODY, NOON) == "msg_1"
    else:
        other = check(SECRET, sign(SECRET, BODY, 1), BODY, NOON)
        assert other != check(SECRET, headers, BODY, NOON)


@SCHEMES
@pytest.mark.parametrize("seconds", [-299, 299])
def test_clocks_may_differ_by_minutes(sign: Sign, check: Check, seconds: int) -> None:
    """Those of the sender and ours."""
    assert check(SECRET, sign(SECRET, BODY, seconds), BODY, NOON)


@SCHEMES
@pytest.mark.parametrize("seconds", [-301, 301, -10_000_000])
def test_an_old_call_is_refused(sign: Sign, check: Check, seconds: int) -> None:
    """Who recorded one cannot play it again."""
    with pytest.raises(SignatureError, match="five minutes"):
        check(SECRET, sign(SECRET, BODY, seconds), BODY, NOON)


@SCHEMES
def test_another_secret_or_body_is_refused(sign: Sign, check: Check) -> None:
    """So is a time that was changed."""
    with pytest.raises(SignatureError, match="does not match"):
        check(SECRET, sign(sealing.new_webhook_secret(), BODY), BODY, NOON)
    with pytest.raises(SignatureError, match="does not match"):
        check(SECRET, sign(SECRET, BODY), BODY + b" ", NOON)
    mixed = sign(SECRET, BODY, -400) | {
        "webhook-timestamp": str(int(NOON.timestamp())),
    }
    with pytest.raises(SignatureError):
        check(SECRET, mixed, BODY, NOON)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Ghost-Signature": ""},
        {"X-Ghost-Signature": "sha256=abc, t=1"},
        {"X-Ghost-Signature": f"sha256={'0' * 64}, t={'9' * 16}"},
        {"webhook-id": "1", "webhook-timestamp": "x", "webhook-signature": "v1,"},
        {"webhook-id": "1", "webhook-timestamp": "²", "webhook-signature": "v1,"},
        {"webhook-id": "i" * 999, "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"},
        {
            "webhook-id": "1",
            "webhook-timestamp": str(int(NOON.timestamp())),
            "webhook-signature": "v1,ä é, v1, v2,==",
        },
    ],
)
def test_nonsense_is_refused(headers: dict[str, str]) -> None:
    """Never with another error."""
    for check in (signatures.check_standard, signatures.check_ghost):
        with pytest.raises(SignatureError):
            check(SECRET, headers, BODY, NOON)
