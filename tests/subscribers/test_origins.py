"""Where a sign-up came from, as a browser reports it."""

import pytest

from digest.subscribers.evidence.origins import LONGEST_CAMPAIGN, LONGEST_PAGE, Origin, read_origin


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("", Origin()),
        ("javascript:alert(1)", Origin()),
        ("//courier.example/a", Origin()),
        ("https://courier.example", Origin("https://courier.example/")),
        ("https://courier.example/seals?id=7#top", Origin("https://courier.example/seals")),
        ("https://eve:word@courier.example/a", Origin("https://courier.example/a")),
        (
            "https://courier.example/?utm_medium=social&fbclid=x&utm_source=Bluesky&email=a%40b.c",
            Origin("https://courier.example/", "utm_source=Bluesky&utm_medium=social"),
        ),
        (
            "https://courier.example/?utm_source=a%0d%0ab",
            Origin("https://courier.example/", "utm_source=a+b"),
        ),
    ],
)
def test_an_address_is_read(address: str, origin: Origin) -> None:
    """The page without its query, and of the query the campaign alone."""
    assert read_origin(address) == origin


def test_an_address_with_many_parameters_has_its_campaign() -> None:
    """As many as a page's address can have."""
    address = f"https://courier.example/?{'a=1&' * 400}utm_source=x"
    assert read_origin(address) == Origin("https://courier.example/", "utm_source=x")


def test_a_long_address_is_cut() -> None:
    """A stranger may send anything."""
    long = "&".join(f"utm_{name}={'x' * 900}" for name in ("source", "medium", "campaign"))
    origin = read_origin(f"https://courier.example/{'a' * 900}?{long}")
    assert len(origin.page) == LONGEST_PAGE
    assert len(origin.campaign) <= LONGEST_CAMPAIGN
