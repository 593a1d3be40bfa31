"""The first account, which may do everything: not for whoever finds the address first.

It takes a code that only the terminal of this installation shows. The code is signed, so it needs
no table; it is good for a day, and for nothing any more once there is an account.
"""

from datetime import datetime, timedelta

from django.db import transaction

from digest.accounts.models import User
from digest.core import addresses, links, locks
from digest.core.errors import DigestError, LinkError, LinkExpiredError
from digest.core.locks import Purpose

GOOD_FOR = timedelta(days=1)
_PURPOSE = "first-account"


class AccountError(DigestError):
    """An account cannot be made as asked."""


def is_missing() -> bool:
    """Say whether nobody has an account yet."""
    return not User.objects.exists()


def link(now: datetime) -> str:
    """Return the address of the page that makes the first account, good for a day."""
    return links.absolute(
        f"/admin/setup/account/?code={links.sign_until(_PURPOSE, now + GOOD_FOR)}"
    )


def check(code: str, now: datetime) -> None:
    """Raise AccountError unless the code is one of ours, and of the last day."""
    try:
        links.read_until(_PURPOSE, code, now)
    except LinkExpiredError as cause:
        raise AccountError("This setup code is over a day old. Ask for a new one.") from cause
    except LinkError as cause:
        raise AccountError("This is not the setup code of this installation.") from cause


@transaction.atomic
def make(code: str, email: str, password: str, now: datetime) -> User:
    """Make the first account; raise AccountError for a wrong code, and once there is an account.

    Raises InvalidAddressError for what is no address. Whether the password is good is for the
    caller to ask: there are several things to say about one.
    """
    check(code, now)
    address = addresses.parse(email)
    locks.lock(Purpose.FIRST_ACCOUNT)  # two requests at once make one account
    if not is_missing():
        raise AccountError("There is an account already.")
    return User.objects.create_superuser(address.email, password)
