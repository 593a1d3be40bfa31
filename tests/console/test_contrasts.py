"""Logos and colours that cannot be seen are said, with their ratio, and saved all the same."""

from typing import Any

import pytest
from django.test import Client
from PIL import Image

from digest.newsletters.models import Publication
from digest.rendering.themes.branding import publication_theme
from digest.rendering.themes.colours import READABLE, contrast
from tests.articles.publisher import Publisher
from tests.cast import make_publication
from tests.pictures.samples import encoded

pytestmark = pytest.mark.django_db


def toasts(owner: Client, publication: Publication, **fields: Any) -> str:
    """What is said after the design was saved."""
    values = {"logo_url": "", "logo_width": 240, "accent": "#1d4e89", "accent_dark": "#8ab8e6"}
    values |= {"background": "warm", "fonts": "classic", "corner": "soft"}
    values |= {"density": "comfortable"}
    address = f"/admin/publication/{publication.pk}/looks/"
    page = owner.post(address, values | fields, follow=True)
    assert page.status_code == 200
    publication.refresh_from_db()
    return page.content.decode()


def logo(ink: str, ground: tuple[int, ...] = (0, 0, 0, 0)) -> bytes:
    """Letters, on nothing or on a box."""
    image = Image.new("RGBA", (480, 60), ground)
    image.paste(ink, (40, 20, 200, 40))
    return encoded(image, "PNG")


def test_good_colours_are_saved_without_a_word(ada_client: Client) -> None:
    """The colours that a publication begins with are good."""
    assert "contrast of" not in toasts(ada_client, make_publication())


def test_a_colour_that_cannot_be_read_is_said(ada_client: Client) -> None:
    """With the ratio, and what mails use instead."""
    publication = make_publication()
    page = toasts(ada_client, publication, accent="#ffd400", accent_dark="#222222")
    assert "The colour #ffd400 has a contrast of 1.4:1 on the light background" in page
    assert "The colour #222222 has a contrast of" in page
    assert publication_theme(publication, "ltr").day.accent in page
    assert publication.accent == "#ffd400"


def test_the_dark_colour_may_be_derived(ada_client: Client) -> None:
    """Then it follows the accent, and can be read."""
    publication = make_publication(accent_dark="#8ab8e6")
    page = toasts(ada_client, publication, accent="#1d4e89", is_derived="on")
    assert publication.accent_dark == ""
    assert "contrast of" not in page
    night = publication_theme(publication, "ltr").night
    assert contrast(night.accent, night.sheet) >= READABLE
    assert night.accent != "#8ab8e6"
    assert 'name="is_derived"' in page
    toasts(ada_client, publication, accent_dark="#8ab8e6")
    assert publication.accent_dark == "#8ab8e6"


@pytest.mark.parametrize(
    ("ink", "ground", "expected"),
    [
        ("#101010", (0, 0, 0, 0), ["dark"]),
        ("#f8f8f8", (0, 0, 0, 0), ["light"]),
        ("#d02020", (0, 0, 0, 0), []),
        ("#101010", (255, 255, 255, 255), []),
    ],
)
def test_a_logo_that_cannot_be_seen_is_said(
    ada_client: Client, publisher: Publisher, ink: str, ground: tuple[int, ...], expected: list[str]
) -> None:
    """On the background where it is lost; letters on a box of their own are seen on both."""
    publisher.pages["/logo.png"] = logo(ink, ground)
    page = toasts(ada_client, make_publication(), logo_url=publisher.url("/logo.png"))
    lost = [
        scheme for scheme in ("light", "dark") if f":1 on the {scheme} background; it needs" in page
    ]
    assert lost == expected
    assert "cannot be checked" not in page


def test_a_logo_that_is_not_there_is_said(ada_client: Client, publisher: Publisher) -> None:
    """And only when it was changed."""
    publication = make_publication()
    url = publisher.url("/logo.png")
    assert "The logo cannot be checked" in toasts(ada_client, publication, logo_url=url)
    assert publication.logo_url == url
    assert "The logo cannot be checked" not in toasts(ada_client, publication, logo_url=url)
