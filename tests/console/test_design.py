"""The design of mails in the console: the theme of a publication, the layout of a newsletter."""

import pytest
from django.test import Client
from playwright.sync_api import Request
from pytest_django.live_server_helper import LiveServer

from digest.newsletters.models import Newsletter, Publication
from tests.browser import chromium_page, in_browser
from tests.cast import make_newsletter
from tests.console import houses

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(newsletter: Newsletter, client: Client) -> Client:
    """A browser in which an owner is signed in."""
    client.force_login(houses.just_set_up())
    return client


def test_preview_shows_what_is_being_chosen(owner: Client, newsletter: Newsletter) -> None:
    """The theme and the design of the forms, in an example mail; nothing is saved."""
    address = f"/admin/publication/{newsletter.publication.pk}/design/preview/"
    choices = {"fonts": "clear", "corner": "round", "accent": "#8a0f1f", "scheme": "light"}
    html = owner.post(address, choices).content.decode()
    assert "font-family:Verdana" in html
    assert "border-radius:14px" in html
    assert "#8a0f1f" in html
    newsletter.publication.refresh_from_db()
    assert newsletter.publication.fonts == "classic"


def test_first_preview_needs_no_publication(owner: Client) -> None:
    """While the first publication is set up, its mail is shown with what is entered so far."""
    address = "/admin/setup/publication/preview/"
    empty = owner.post(address).content.decode()
    assert "Your publication" in empty
    brand = {"name": "The Gull", "accent": "#8a0f1f", "postal_address": "1 Quay Street\nSaltmarsh"}
    logo = {"logo_url": "https://gull.example/logo.png"}
    html = owner.post(address, brand | logo).content.decode()
    assert all(text in html for text in ("The Gull", "#8a0f1f", "Saltmarsh", "gull.example/logo"))
    assert not Publication.objects.filter(name="The Gull").exists()


def test_odd_choices_are_previewed_as_the_defaults(owner: Client, newsletter: Newsletter) -> None:
    """What no form offers harms nothing: neither a style sheet nor a template."""
    address = f"/admin/publication/{newsletter.publication.pk}/design/preview/"
    choices = {"fonts": "x", "accent": "red;}</style><script>", "design": "../x", "scheme": "y"}
    response = owner.post(address, choices)
    assert response.status_code == 200
    assert "<script" not in response.content.decode()


def test_theme_and_design_are_saved(owner: Client, newsletter: Newsletter) -> None:
    """By the two cards called Design; a choice that does not exist is refused."""
    publication = newsletter.publication
    theme = {"background": "cool", "fonts": "modern", "corner": "square", "density": "compact"}
    looks = {"logo_width": "240", "accent": "#1d4e89", "accent_dark": "#8ab8e6"} | theme
    owner.post(f"/admin/publication/{publication.pk}/looks/", looks)
    publication.refresh_from_db()
    assert {name: getattr(publication, name) for name in theme} == theme
    address = f"/admin/newsletter/{newsletter.pk}/design/"
    choices = {"design-design": "briefing", "design-contents_from": "0"}
    owner.post(address, choices | {"design-reading_time": "on"})
    newsletter.refresh_from_db()
    assert (newsletter.design, newsletter.share_links) == ("briefing", False)
    assert (newsletter.reading_time, newsletter.contents_from) == (True, 0)
    assert owner.post(address, choices | {"design-design": "poster"}).status_code == 422
    assert owner.post(address, choices | {"design-contents_from": "101"}).status_code == 422


@in_browser
@pytest.mark.django_db(transaction=True)
def test_preview_follows_the_form(live_server: LiveServer) -> None:
    """A choice is seen in the frame at once, before it is saved."""
    user, newsletter = houses.just_set_up(), make_newsletter()
    with chromium_page() as page:
        page.goto(f"{live_server.url}/admin/")
        page.get_by_label("Email").fill(user.email)
        page.get_by_label("Password").fill(houses.PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{live_server.url}/admin/")
        page.goto(f"{live_server.url}/admin/newsletter/{newsletter.pk}/#design")
        frame = page.frame_locator("iframe[title='Preview of the design']:not([hidden])")
        frame.get_by_text("A headline").wait_for()
        with page.expect_request(lambda request: "design-design=compact" in posted(request)):
            page.get_by_label("Digest A compact list").check()
        frame.get_by_text("A headline").wait_for()


def posted(request: Request) -> str:
    """Return the body of a request for the preview, or nothing."""
    return (request.post_data or "") if request.url.endswith("/design/preview/") else ""
