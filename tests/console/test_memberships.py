"""Memberships in the console: Stripe, tiers, and what is for members."""

import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import AuditEntry
from digest.core import clock
from digest.entitlements import receiving, registry, settling
from digest.entitlements.models import StripeAccount
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers import profiles
from digest.subscribers.models import Subscriber
from digest.subscribers.segments import saving
from tests.browser import chromium_page, in_browser, sign_in
from tests.cast import NOON, make_issue, make_member, make_newsletter, make_story, make_subscriber
from tests.cast.accounts import browser_of
from tests.console import houses
from tests.entitlements.stripe_calls import ANA, SECRET, call, checkout, make_account, subscription

pytestmark = pytest.mark.django_db
HOME = "/admin/memberships/"


def connect(owner: Client, publication: Publication) -> StripeAccount:
    """Connect Stripe and enter its secret, as the page does."""
    owner.post(f"{HOME}connect/", {"publication": publication.pk})
    account = StripeAccount.objects.get(publication=publication)
    owner.post(f"{HOME}{account.pk}/secret/", {"secret": SECRET})
    return StripeAccount.objects.get(pk=account.pk)


def test_stripe_is_connected_and_its_prices_get_tiers(owner: Client, courier: Publication) -> None:
    """Prices appear as they are reported; every step is in the audit log."""
    newsletter = make_newsletter(publication=courier)
    ana = make_subscriber(newsletter, email=ANA)
    assert "Connect Stripe" in owner.get(HOME).content.decode()
    account = connect(owner, courier)
    page = owner.get(HOME).content.decode()
    assert receiving.address_of(account) in page
    assert SECRET not in page
    assert call(account, checkout()) == 200
    assert call(account, subscription()) == 200
    page = owner.get(HOME).content.decode()
    assert "Choose the tier of: price_month" in page
    form = {"tier-of-price_month": "paid", f"account-{account.pk}-tier_without": "free"}
    owner.post(f"{HOME}{account.pk}/tiers/", form)
    page = owner.get(HOME).content.decode()
    assert "Choose the tier of" not in page
    assert re.search(r"<dt>paid</dt><dd>1 pays · 1 subscribes</dd>", page)
    assert profiles.profile_of(ana.pk, courier.pk).attributes == {"tier": "paid"}
    owner.post(f"{HOME}{account.pk}/disconnect/")
    assert profiles.profile_of(ana.pk, courier.pk).attributes == {"tier": "free"}
    assert [row.action for row in AuditEntry.objects.order_by("pk")] == [
        *("connected Stripe", "entered the secret of Stripe"),
        *("changed tiers of Stripe", "disconnected Stripe"),
    ]


def test_while_stripe_is_being_disconnected_the_page_says_so(
    owner: Client, courier: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to set up, to disconnect or to connect until a worker is done."""
    newsletter, account = make_newsletter(publication=courier), connect(owner, courier)
    registry.change(account, rules={"price_month": "paid"})
    make_subscriber(newsletter, email=ANA)
    assert (call(account, checkout()), call(account, subscription())) == (200, 200)
    monkeypatch.setattr(settling, "BATCH", 1)
    answer = owner.post(f"{HOME}{account.pk}/disconnect/", follow=True)
    page = answer.content.decode()
    assert f"Stripe is being disconnected from {courier}" in page
    assert "a worker ends the tiers" in page
    assert "Save secret" not in page
    assert "Connect Stripe" not in page
    assert call(account, checkout(key="late")) == 401
    settling.settle_due()
    assert "Connect Stripe" in owner.get(HOME).content.decode()


def test_what_cannot_be_says_why(owner: Client, courier: Publication) -> None:
    """In its form; and nothing of another publication is within reach."""
    foreign = make_account(make_newsletter().publication)
    account = connect(owner, courier)
    wrong = owner.post(f"{HOME}{account.pk}/secret/", {"secret": "sk_live_1"})
    assert wrong.status_code == 422
    assert "not a signing secret" in wrong.content.decode()
    name = f"account-{account.pk}-"
    form = {f"{name}reference": "price 1", f"{name}reference_tier": "paid"}
    assert "not the id" in owner.post(f"{HOME}{account.pk}/tiers/", form).content.decode()
    assert owner.post(f"{HOME}{foreign.pk}/tiers/").status_code == 404
    repeated = owner.post(f"{HOME}connect/", {"publication": courier.pk})
    assert "not one of the available choices" in repeated.content.decode()


def test_an_editor_sets_tiers_and_only_an_owner_the_secret(courier: Publication) -> None:
    """The address and the secret are not theirs to see or change."""
    account = make_account(courier)
    editor = browser_of(make_member(courier, "editor"))
    page = editor.get(HOME).content.decode()
    assert receiving.address_of(account) not in page
    form = {f"account-{account.pk}-reference": "price_1"}
    form[f"account-{account.pk}-reference_tier"] = "patron"
    assert editor.post(f"{HOME}{account.pk}/tiers/", form).status_code == 302
    assert account.rules.get(reference="price_1").tier == "patron"
    assert editor.post(f"{HOME}{account.pk}/secret/", {"secret": SECRET}).status_code in {403, 404}


def test_a_newsletter_is_for_members(owner: Client, courier: Publication) -> None:
    """With a segment of its own publication; the password is never shown again."""
    newsletter = make_newsletter(publication=courier)
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(courier, "Members", rules, NOON)
    foreign = saving.create(make_newsletter().publication, "Theirs", rules, NOON)
    address = f"/admin/newsletter/{newsletter.pk}/members/"
    form = {
        "members-segment": segment.pk,
        "members-membership_url": "https://courier.example/join",
        "members-archive_access": "password",
        "members-password": "",
    }
    assert "Enter a password" in owner.post(address, form).content.decode()
    refused = owner.post(address, form | {"members-segment": foreign.pk})
    assert "valid choice" in refused.content.decode()
    assert owner.post(address, form | {"members-password": "low water"}).status_code == 302
    newsletter.refresh_from_db()
    assert newsletter.segment == segment
    assert newsletter.is_archive_password("low water")
    page = owner.get(f"/admin/newsletter/{newsletter.pk}/").content.decode()
    assert "low water" not in page
    assert newsletter.archive_password not in page
    open_form = form | {"members-segment": "", "members-archive_access": "public"}
    owner.post(address, open_form)
    owner.post(address, open_form | {"members-segment": segment.pk})
    newsletter.refresh_from_db()
    assert newsletter.archive_access == "subscribers"
    owner.post(address, open_form | {"members-segment": segment.pk})
    newsletter.refresh_from_db()
    assert newsletter.archive_access == "public"
    with_url = form | {"members-membership_url": "not an address"}
    assert "is not a web address" in owner.post(address, with_url).content.decode()


def test_one_issue_differs_in_the_archive(owner: Client, courier: Publication) -> None:
    """On its page, also after it was sent."""
    issue = make_issue(make_newsletter(publication=courier), state="sent", planned_at=NOON)
    make_story(issue)
    assert "Archive: everyone" in owner.get(f"/admin/issues/{issue.pk}/").content.decode()
    owner.post(f"/admin/issues/{issue.pk}/archive/", {"archive_access": "subscribers"})
    assert Issue.objects.get().archive_access == "subscribers"
    page = owner.get(f"/admin/issues/{issue.pk}/").content.decode()
    assert "Archive: subscribers only" in page


@pytest.fixture(params=[(390, "dark"), (1280, "light")], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest, live_server: LiveServer) -> Iterator[Page]:
    """The console on a phone or a desktop, signed in."""
    cache.clear()
    user, (width, scheme) = houses.lived_in(8), request.param
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with chromium_page(seconds=60, may_be_refused=True, **look) as browser:
        sign_in(browser, f"{live_server.url}/admin/", user.email, houses.PASSWORD)
        yield browser


@in_browser
@pytest.mark.django_db(transaction=True)
def test_from_a_payment_to_a_protected_issue(page: Page, live_server: LiveServer) -> None:
    """Connect Stripe, choose a tier, make a newsletter for members, and read as one of them."""
    tide = Newsletter.objects.get(slug="morning-tide")
    page.goto(f"{live_server.url}{HOME}")
    page.get_by_label("Publication").select_option(label=tide.publication.name)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_label("Signing secret").fill(SECRET)
    page.get_by_role("button", name="Save secret").click()
    expect(page.get_by_text("The signing secret was saved.")).to_be_visible()
    account = StripeAccount.objects.get()
    subscriber = Subscriber.objects.filter(subscriptions__newsletter=tide).earliest("pk")
    assert call(account, checkout(subscriber.email)) == 200
    assert call(account, subscription()) == 200
    page.reload()
    page.get_by_label("price_month").select_option("paid")
    page.get_by_role("button", name="Save tiers").click()
    expect(page.get_by_text("1 pays · 1 subscribes")).to_be_visible()
    rules = {"rules": [{"field": "attribute.tier", "operator": "is", "value": "paid"}]}
    saving.create(tide.publication, "Paying members", rules, clock.now())
    ebb = Newsletter.objects.get(slug="evening-ebb")  # none of its issues is going out
    page.goto(f"{live_server.url}/admin/newsletter/{ebb.pk}/")
    card = page.get_by_role("region", name="Members and archive")
    card.get_by_label("Only for segment").select_option(label="Paying members")
    card.get_by_label("Where to become a member").fill("https://courier.example/join")
    card.get_by_label("Who may read past issues").select_option("password")
    card.get_by_label("Password of the archive").fill("low water at nine")
    card.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Members and archive saved.")).to_be_visible()
    page.goto(f"{live_server.url}/subscribe/{ebb.slug}")
    expect(page.get_by_role("link", name="Become a member")).to_be_visible()
    issue = make_issue(
        ebb, state="sent", planned_at=NOON, slot=NOON.replace(year=2025), subject="The vote"
    )
    make_story(issue, summary="How the vote was bought.")
    page.goto(f"{live_server.url}/archive/{ebb.slug}/{issue.key}")
    expect(page.get_by_text("How the vote was bought.")).to_have_count(0)
    page.get_by_label("Password").fill("high water")
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_role("alert")).to_contain_text("not the password")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("Password").fill("low water at nine")
    page.get_by_role("button", name="Read").click()
    expect(page.get_by_text("How the vote was bought.")).to_be_visible()
