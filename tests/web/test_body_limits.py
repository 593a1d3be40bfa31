"""What is too large is refused before anything reads it, whatever server is in front."""

from typing import Any

import pytest
from django.test import Client

from digest.web.body_limits import LARGEST_BODY, UPLOADS, largest_body

IMPORT, PICTURES, EVENTS = UPLOADS


class Unread:
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        """Fail."""
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize(
    "path",
    ["/subscribe/tide", "/unsubscribe/x", "/admin/login/", "/admin/team/invite/", "/nothing"],
)
def test_large_forms_are_refused_unread(client: Client, path: str) -> None:
    """Everywhere, for everybody, before a session is looked up."""
    environ: dict[str, Any] = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(LARGEST_BODY + 1)}
    response = client.generic("POST", path, **environ)
    assert response.status_code == 413
    assert b"1,000,000 bytes" in response.content


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (IMPORT, 31_000_000),
        (f"{IMPORT}/", 31_000_000),
        (f"{IMPORT}/preview/", 31_000_000),
        (f"{PICTURES}/", 26_000_000),
        (f"{EVENTS}token", UPLOADS[EVENTS]),
        ("/admin/pictures/", LARGEST_BODY),
        ("/admin/subscribers/", LARGEST_BODY),
        (f"/x{IMPORT}", LARGEST_BODY),
    ],
)
def test_only_files_may_be_larger(path: str, limit: int) -> None:
    """A list of thirty million bytes or a picture of 25, and its form."""
    assert largest_body(path) == limit


@pytest.mark.parametrize("length", ["", "x", "-1", "²"])
def test_nonsense_is_no_length(client: Client, length: str) -> None:
    """The server has checked it; here it must not break anything."""
    assert client.get("/healthz", CONTENT_LENGTH=length).status_code == 200
