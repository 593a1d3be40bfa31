"""`digest token …`."""

import pytest

from digest.accounts.models import Token, User
from tests.api.conftest import Caller
from tests.cast import make_publication
from tests.cli.conftest import Digest, digest  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    """The only editor."""
    return User.objects.create_user("ada@courier.example")


def test_a_token_is_made_used_listed_and_revoked(digest: Digest, ada: User) -> None:  # noqa: F811
    """Its secret is shown once."""
    created = digest("token", "add", "cms", "--scope", "newsletters:read", "--json").json
    caller = Caller(created["secret"])
    assert caller("GET", "/newsletters").status_code == 200
    assert caller("GET", "/subscribers").status_code == 403
    listed = digest("token", "list")
    assert created["secret"] not in listed.out
    assert created["prefix"] in listed.out
    assert "ada@courier.example" in listed.out
    assert digest("token", "revoke", "cms").status == 0
    assert caller("GET", "/newsletters").status_code == 401
    assert "revoked" in digest("token", "list").out


def test_a_token_may_be_of_one_publication_and_for_a_while(
    digest: Digest,  # noqa: F811
    ada: User,
) -> None:
    """And its name may be used again once it is revoked."""
    make_publication(slug="courier")
    arguments = ("token", "add", "cms", "--scope", "all", "--publication", "courier")
    created = digest(*arguments, "--expires", 30, "--owner", "Ada@courier.example", "--json").json
    assert created["publication"] == "courier"
    assert created["expires_at"] is not None
    assert "already" in digest(*arguments).err
    digest("token", "revoke", created["prefix"])
    assert digest(*arguments).status == 0


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (
            ("add", "cms", "--scope", "all", "--owner", "nobody@courier.example"),
            "no active account for nobody@courier.example",
            1,
        ),
        (("add", "cms", "--scope", "everything"), "everything", 2),
        (("add", "cms"), "--scope", 2),
        (("add", "x" * 65, "--scope", "all"), "64", 1),
        (("add", "cms", "--scope", "all", "--publication", "x"), "'x'", 1),
        (("revoke", "cms"), "no token", 1),
    ],
)
def test_what_cannot_be_is_said(
    digest: Digest,  # noqa: F811
    ada: User,
    arguments: tuple[str, ...],
    message: str,
    status: int,
) -> None:
    """And no token is made."""
    answer = digest("token", *arguments)
    assert (answer.status, message in answer.err) == (status, True)
    assert not Token.objects.exists()


def test_a_token_needs_somebody_to_answer_for_it(digest: Digest) -> None:  # noqa: F811
    """Nobody there, or several to choose from."""
    arguments = ("token", "add", "cms", "--scope", "all")
    assert "createsuperuser" in digest(*arguments).err
    for name in ("ada", "ben"):
        User.objects.create_user(f"{name}@courier.example")
    assert "--owner" in digest(*arguments).err
