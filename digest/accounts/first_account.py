"""The first account, a superuser: not for everybody who opens the address of an installation.

Creating it takes a code that is shown only in the terminal of the installation. The code is signed,
so it needs no table. It is valid for a day, and becomes useless once there is an account.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse

from digest.accounts.errors import AccountError
from digest.accounts.models import User
from digest.core import addresses, links
from digest.core.database.locks import Purpose, lock
from digest.core.errors import LinkError, LinkExpiredError

VALID_FOR = timedelta(days=1)
_PURPOSE = "first-account"


def is_missing() -> bool:
    """Say whether there is no account yet."""
    return not User.objects.exists()


def setup_url(now: datetime) -> str:
    """Return the address of the page that creates the first account, valid for a day."""
    return links.absolute(
        f"{reverse('setup:account')}?code={links.sign_until(_PURPOSE, now + VALID_FOR)}"
    )


def check_code(code: str, now: datetime) -> None:
    """Raise AccountError unless this installation issued the code within the last day."""
    try:
        links.read_until(_PURPOSE, code, now)
    except LinkExpiredError as cause:
        raise AccountError("This setup code is over a day old. Ask for a new one.") from cause
    except LinkError as cause:
        raise AccountError("This is not the setup code of this installation.") from cause


@transaction.atomic
def create(code: str, email: str, password: str, now: datetime) -> User:
    """Create the first account; raise AccountError for a wrong code, or if there is an account.

    Raises InvalidAddressError for an invalid address. The caller validates the password, because
    there may be several messages about it.
    """
    check_code(code, now)
    address = addresses.parse(email)
    lock(Purpose.FIRST_ACCOUNT)  # of two requests at once, one succeeds
    if not is_missing():
        raise AccountError("There is an account already.")
    return User.objects.create_superuser(address.email, password)
