"""Only Stripe may say who pays: signatures, and the time in them."""

from datetime import timedelta

import pytest

from digest.entitlements import signatures
from digest.entitlements.errors import SignatureError
from tests.clock import NOON
from tests.entitlements.stripe_calls import SECRET, sign

BODY = b'{"id": "evt_1"}'


def test_what_stripe_signed_passes() -> None:
    """Its header has a scheme for tests too, v0, which counts for nothing."""
    signatures.check(SECRET, sign(BODY, at=NOON), BODY, NOON)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is rolled, Stripe signs with both."""
    old, new = sign(BODY, "whsec_old", NOON), sign(BODY, at=NOON)
    header = f"{old},{new.split(',')[1]}"
    signatures.check(SECRET, header, BODY, NOON)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1,v1=",
        "nonsense",
        "v1=0" * 30,
        "t=1795435200",
        "t=-5,v1=00",
        "t=٣,v1=00",
        f"t=1795435200,v0={'0' * 64}",
        "t=1795435200,v1=é",
    ],
)
def test_what_nobody_signed_is_refused(header: str) -> None:
    """Neither a missing header, nor an odd one, nor another scheme."""
    with pytest.raises(SignatureError):
        signatures.check(SECRET, header, BODY, NOON)


def test_another_body_secret_or_time_is_refused() -> None:
    """A recorded call cannot be changed, and not be repeated later."""
    header = sign(BODY, at=NOON)
    for secret, body, now in (
        ("whsec_other", BODY, NOON),
        (SECRET, BODY + b" ", NOON),
        (SECRET, BODY, NOON + timedelta(minutes=6)),
        (SECRET, BODY, NOON - timedelta(minutes=6)),
    ):
        with pytest.raises(SignatureError):
            signatures.check(secret, header, body, now)
    signatures.check(SECRET, header, BODY, NOON + timedelta(minutes=4))
