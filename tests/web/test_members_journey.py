"""What is for members, as readers see it: on a phone and a desktop, by day and by night.

With DIGEST_SHOTS=folder each step is saved as pictures.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from digest.core import links
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.newsletters.publicity import restricting
from digest.subscribers import profiles
from digest.subscribers.segments import saving
from tests.browser import BROWSER, SIZES, chromium_page, look_at
from tests.cast import NOON, make_issue, make_newsletter, make_story, make_subscriber
from tests.cast.newsletters import make_layout_block
from tests.web.signing_up import NADIA, letter

pytestmark = [pytest.mark.django_db(transaction=True), *BROWSER]
TEXT = "Only members read how the vote was bought."
PASSWORD = "low water at nine"


@pytest.fixture
def url(live_server: LiveServer, settings: Settings) -> str:
    """The address of the public pages."""
    settings.DIGEST_BASE_URL = live_server.url
    return live_server.url


@pytest.fixture
def page() -> Iterator[Page]:
    """A reader's browser."""
    with chromium_page(viewport=SIZES["phone"], may_be_refused=True) as page:
        yield page


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter for who has the tag, with a past issue for them and topics."""
    newsletter = make_newsletter(description="What matters on this coast.")
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(newsletter.publication, "Members", rules, NOON)
    restricting.set_members(newsletter, segment, "https://courier.example/join")
    make_layout_block(newsletter, kind="topic", title="Harbour", topics=["harbour"])
    return newsletter


@pytest.fixture
def issue(tide: Newsletter) -> Issue:
    """An issue that went out."""
    out = {"state": Issue.State.SENT, "planned_at": NOON, "finished_at": NOON}
    issue = make_issue(
        tide, subject="The vote", preheader="Eight to seven, and who paid for it", **out
    )
    make_story(issue, title="How the vote was bought", summary=TEXT)
    make_story(issue, title="What the harbour costs")
    return issue


def test_from_the_catalogue_to_a_protected_issue(
    page: Page, url: str, tide: Newsletter, issue: Issue
) -> None:
    """A member finds the newsletter, sees a teaser, asks for a link and reads."""
    nadia = make_subscriber(tide, email=NADIA)
    page.goto(f"{url}/newsletters/{tide.publication.slug}")
    expect(page.get_by_text("for members").first).to_be_visible()
    look_at(page, "members-1-catalogue")
    page.goto(f"{url}/subscribe/{tide.slug}")
    expect(page.get_by_role("link", name="Become a member")).to_be_visible()
    look_at(page, "members-2-sign-up")
    page.goto(links.preferences_url(nadia, tide.publication))
    expect(page.get_by_text("once you are a member")).to_be_visible()
    look_at(page, "members-3-preferences")
    profiles.add_tag("member", tide.publication_id, [nadia.pk])
    page.goto(f"{url}/archive/{tide.slug}")
    look_at(page, "members-4-archive")
    page.get_by_role("link", name="The vote").first.click()
    expect(page.get_by_text("What the harbour costs")).to_be_visible()
    expect(page.get_by_text(TEXT)).to_have_count(0)
    look_at(page, "members-5-teaser")
    page.wait_for_timeout(1_500)  # nobody fills in a form in less
    page.get_by_label("Email").fill(NADIA)
    page.get_by_role("button", name="link").click()
    expect(page.get_by_text("we have sent it an email")).to_be_visible()
    look_at(page, "members-6-sent")
    page.goto(letter("read").links["confirm"])
    expect(page.get_by_text(TEXT)).to_be_visible()
    page.goto(letter("read").links["confirm"][:-4])
    look_at(page, "members-7-link-damaged")


def test_an_archive_with_a_password(page: Page, url: str, tide: Newsletter, issue: Issue) -> None:
    """A wrong one is said beside its field; the right one opens the issue."""
    restricting.set_archive(tide, "password", PASSWORD)
    page.goto(f"{url}/archive/{tide.slug}/{issue.key}")
    look_at(page, "password-1-asked")
    page.get_by_label("Password").fill("high water")
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_role("alert")).to_contain_text("not the password")
    look_at(page, "password-2-wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_text(TEXT)).to_be_visible()
