"""How a list and its stories grow, in the console: a form is designed, a site is connected.

On a phone and a desktop, by day and by night; with DIGEST_SHOTS=folder each step is saved as
pictures.
"""

import json
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from digest.articles.models import Article
from digest.connectors import receiving, settling
from digest.connectors.models import Connection
from digest.core import clock, sealing
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.newsletters.signup_forms.models import SignUpForm
from digest.subscribers import attributes
from digest.subscribers.models import SignUp
from digest.webhooks import signing
from tests.browser import BROWSER, SIZES, bring_cookies, chromium_page, look_at
from tests.cast import NOON, make_layout_block, make_newsletter
from tests.cast.accounts import browser_of
from tests.cast.newsletters import make_member
from tests.connectors import ghost

pytestmark = [pytest.mark.django_db(transaction=True), *BROWSER]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with a topic, whose subscribers may enter their city."""
    newsletter = make_newsletter(slug="tide")
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    attributes.define(newsletter.publication, label="City", kind="text", access="sign-up", now=NOON)
    return newsletter


@pytest.fixture
def page(live_url: str, tide: Newsletter) -> Iterator[Page]:
    """The browser of the publication's owner."""
    client = browser_of(make_member(tide.publication))
    with chromium_page(viewport=SIZES["desktop"], reduced_motion="reduce") as page:
        bring_cookies(page, live_url, client)
        page.goto(f"{live_url}/admin/")
        yield page


def test_a_form_is_designed_embedded_and_used(page: Page, live_url: str, tide: Newsletter) -> None:
    """From the menu to a sign-up that came through its page."""
    page.locator("a[href$='/forms/']").first.click()
    look_at(page, "form-1-list")
    page.goto(f"{live_url}/admin/publication/{tide.publication_id}/forms/new/")
    page.get_by_label("Name for the team").fill("Below articles")
    page.get_by_label("Headline optional", exact=True).fill("Every morning at seven")
    page.get_by_label("Bar at the foot of the window").check()
    page.get_by_label(tide.name).check()
    page.get_by_label("City").check()
    page.get_by_label("Ask for the name").check()
    page.get_by_label("Offer the topics").check()
    drawn = page.locator("iframe:visible").content_frame
    expect(drawn.get_by_role("heading", name="Every morning at seven")).to_be_visible()
    look_at(page, "form-2-design")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="On your site")).to_be_visible()
    look_at(page, "form-3-saved")
    form = SignUpForm.objects.get()
    page.goto(f"{live_url}/forms/{form.uuid}")
    look_at(page, "form-4-page")
    page.wait_for_timeout(1_500)  # nobody fills in a form in less
    page.get_by_label("Email").fill("nadia@reader.example")
    page.get_by_label("City").fill("Saltmarsh")
    page.get_by_role("button").last.click()
    expect(page.get_by_text("nadia@reader.example")).to_be_visible()
    look_at(page, "form-5-thanks")
    assert SignUp.objects.get().via == form.via


def test_a_ghost_site_is_connected(page: Page, live_url: str, client: Client) -> None:
    """From the menu to a post that came in, and a call that was not signed."""
    page.locator("a[href$='/connections/']").first.click()
    look_at(page, "connection-1-none")
    page.get_by_label("Name", exact=True).fill("blog")
    page.get_by_role("button", name="Add connection").click()
    expect(page.get_by_role("heading", name="blog is ready")).to_be_visible()
    look_at(page, "connection-2-secret")
    connection = Connection.objects.get()
    secret, body = sealing.unseal(connection.sealed_secret), ghost.published()
    path = "/" + receiving.address_of(connection).split("/", 3)[3]
    headers = ghost.sign(secret, body, clock.now())
    assert client.post(path, body, "application/json", headers=headers).status_code == 202
    settling.settle_due()
    page.goto(f"{live_url}/admin/connections/")
    page.get_by_text("Latest reports").click()
    expect(page.get_by_text("Seals return")).to_be_visible()
    look_at(page, "connection-3-reports")
    page.get_by_text("Remove …").click()
    look_at(page, "connection-4-remove")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No connections yet")).to_be_visible()


def test_another_system_is_connected_and_its_article_goes_into_an_issue(
    page: Page, live_url: str, tide: Newsletter, client: Client
) -> None:
    """From the menu to a signed call, a story of the newsletter, and the end of the connection."""
    page.locator("a[href$='/connections/']").first.click()
    page.get_by_label("Name", exact=True).fill("cms")
    page.get_by_label("System").select_option("webhook")
    page.get_by_role("button", name="Add connection").click()
    notice = page.get_by_role("status").filter(has_text="cms is ready")
    address = notice.get_by_label("Address").input_value()
    secret = notice.get_by_label("It is not shown again.").input_value()
    look_at(page, "webhook-1-secret")
    page.goto(f"{live_url}/admin/connections/")
    expect(page.get_by_text("No calls yet")).to_be_visible()
    assert secret not in page.content()
    article = {"guid": "4711", "url": "https://courier.example/ferry", "title": "Ferry stopped"}
    body = json.dumps({"type": "article.published", "data": article}).encode()

    def call(key: str) -> int:
        headers = signing.headers(key, "msg_1", int(clock.now().timestamp()), body)
        path = address.removeprefix(live_url)
        return client.post(path, body, "application/json", headers=headers).status_code

    assert call(sealing.new_webhook_secret()) == 401
    assert call(secret) == 202
    settling.settle_due()
    page.reload()
    page.get_by_text("Latest reports").click()
    expect(page.get_by_text("Ferry stopped")).to_be_visible()
    page.goto(f"{live_url}/admin/issues/new/{tide.pk}/")
    page.get_by_label("Ferry stopped").check()
    look_at(page, "webhook-2-story")
    page.get_by_role("button", name="Create issue from selection").click()
    page.wait_for_url("**/admin/issues/*/")
    assert Issue.objects.get().stories.get().title == "Ferry stopped"
    page.goto(f"{live_url}/admin/connections/")
    page.get_by_text("Remove …").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("No connections yet")).to_be_visible()
    assert call(secret) == 401
    assert Article.objects.get().title == "Ferry stopped"
