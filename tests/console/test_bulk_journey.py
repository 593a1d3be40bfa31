"""Many subscribers changed in a browser: filtered, previewed, changed, watched, undone.

With DIGEST_SHOTS=folder each step is saved as pictures.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.bulk import running, selecting
from digest.bulk.models import BulkChange
from digest.core import clock
from digest.newsletters.models import Newsletter
from digest.subscribers import profiles
from digest.subscribers.models import Profile
from tests.browser import BROWSER, SIZES, bring_cookies, chromium_page, look_at
from tests.cast import make_newsletter, make_subscriber
from tests.cast.accounts import browser_of
from tests.cast.newsletters import make_member

pytestmark = [pytest.mark.django_db(transaction=True), *BROWSER]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with five subscribers of the press, one of them a friend, and others."""
    newsletter = make_newsletter(slug="tide")
    for number in range(5):
        subscriber = make_subscriber(newsletter, email=f"p{number}@press.example")
    profiles.add_tag("friend", newsletter.publication_id, [subscriber.pk])
    for number in range(3):
        make_subscriber(newsletter, email=f"r{number}@reader.example")
    return newsletter


@pytest.fixture
def page(live_server: LiveServer, tide: Newsletter) -> Iterator[Page]:
    """The owner's browser, on the list of subscribers."""
    client = browser_of(make_member(tide.publication))
    with chromium_page(viewport=SIZES["desktop"], reduced_motion="reduce") as page:
        bring_cookies(page, live_server.url, client)
        page.goto(f"{live_server.url}/admin/subscribers/")
        yield page


def friends() -> set[str]:
    """The addresses of those who have the tag."""
    rows = Profile.objects.filter(tags__contains=["friend"])
    return {email.partition("@")[0] for email in rows.values_list("subscriber__email", flat=True)}


def test_filtered_subscribers_are_tagged_watched_and_restored(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing happens before the preview is confirmed, and an undo leaves what was there before."""
    monkeypatch.setattr(selecting, "CHUNK", 2)  # so that a worker makes it
    page.get_by_label("Email or name contains").fill("press.example")
    page.get_by_role("button", name="Search", exact=True).click()
    look_at(page, "bulk-1-list")
    page.get_by_label("Change or export").select_option("all")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Change 5 subscribers")).to_be_visible()
    look_at(page, "bulk-2-choose")
    page.get_by_label("Tag", exact=True).fill("Friend")
    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#preview")
    expect(preview.locator("dl.counts > div").first).to_contain_text("4")
    expect(preview).to_contain_text("have the tag already")
    look_at(page, "bulk-3-preview")
    assert friends() == {"p4"}
    page.get_by_role("button", name="Add the tag “friend”").click()
    expect(page.get_by_text("In progress", exact=True)).to_be_visible()
    running.run_chunks(clock.now(), most=1)
    expect(page.get_by_text("2 of 5 subscribers")).to_be_visible()
    look_at(page, "bulk-4-progress")
    running.run_chunks(clock.now())
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    look_at(page, "bulk-5-done")
    assert friends() == {"p0", "p1", "p2", "p3", "p4"}
    page.get_by_text("Undo …").click()
    look_at(page, "bulk-6-undo")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Being undone", exact=True)).to_be_visible()
    running.run_chunks(clock.now())
    expect(page.get_by_text("Undone", exact=True)).to_be_visible()
    look_at(page, "bulk-7-undone")
    assert friends() == {"p4"}
    page.get_by_role("link", name="Past changes").click()
    expect(page.get_by_text("Add the tag “friend”")).to_be_visible()
    look_at(page, "bulk-8-past")
    assert BulkChange.objects.get().restored == 4
