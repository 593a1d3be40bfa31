"""An embed drawn by its line of script on another page, in Chromium."""

import pytest
from playwright.sync_api import Route
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser import chromium_page, in_browser, violations
from tests.cast import make_appeal, make_article, make_newsletter, make_source

HOST = """<html lang="en"><head><title>Host</title><meta name="color-scheme" content="light dark">
<style>@media (prefers-color-scheme: dark) { body { background: #111; } }</style>
<link rel="canonical" href="https://courier.example/seals"></head><body><main><h1>Host</h1>
<script async src="/embed/tide/popular.js" data-count="2"></script>
<script async src="/embed/tide/appeal.js"></script>
<script async src="/embed/tide/signup.js" data-heading="Every morning"></script>
</main></body></html>"""


@in_browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("scheme", "ink"), [("light", "rgb(22, 25, 27)"), ("dark", "rgb(241, 239, 234)")]
)
def test_a_line_of_script_draws_an_embed(
    live_server: LiveServer, settings: Settings, scheme: str, ink: str
) -> None:
    """As light or dark as the page, without the article that the page shows; axe finds nothing."""
    settings.DIGEST_BASE_URL = live_server.url
    newsletter = make_newsletter(slug="tide")
    source = make_source(newsletter)
    for place, slug in enumerate(["seals", "ferry", "mill", "queue"]):
        url = f"https://courier.example/{slug}"
        make_article(source, title=slug, url=url, score=1 - place / 10)
    make_appeal(newsletter.publication)

    def answer(route: Route) -> None:
        route.fulfill(body=HOST, content_type="text/html")

    with chromium_page(color_scheme=scheme) as page:
        page.route(f"{live_server.url}/host", answer)
        page.goto(f"{live_server.url}/host")
        page.get_by_role("link", name="Support us").wait_for()
        popular = page.get_by_role("region", name="Popular Articles").get_by_role("link")
        assert popular.all_inner_texts() == ["ferry", "mill"]
        assert popular.first.evaluate("link => getComputedStyle(link).color") == ink
        form = page.get_by_role("region", name="Every morning")
        assert form.get_by_label("Your email address").is_editable()
        page.keyboard.press("Tab")
        assert popular.first.evaluate("link => link.getRootNode().activeElement === link")
        assert [violation["id"] for violation in violations(page)] == []
        assert page.context.cookies() == []
