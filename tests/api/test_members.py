"""Members by the API: for whom a newsletter is, who reads its past issues, and Stripe."""

import pytest

from digest.accounts.models import User
from digest.entitlements.models import StripeAccount
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.subscribers.segments import saving
from tests.api.conftest import MakeCaller
from tests.cast import NOON, make_issue, make_newsletter
from tests.entitlements.stripe_calls import SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]


def test_whom_a_newsletter_is_for_is_changed(make_caller: MakeCaller, tide: Newsletter) -> None:
    """With a segment of its publication; the password is taken and never shown."""
    caller = make_caller()
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(tide.publication, "Members", rules, NOON)
    foreign = saving.create(make_newsletter().publication, "Theirs", rules, NOON)
    audience = {"segment": segment.pk, "archive_access": "password"}
    assert caller("PATCH", "/newsletters/tide", {"audience": audience}).status_code == 422
    audience |= {"archive_password": "low water"}
    values = caller.json("PATCH", "/newsletters/tide", {"audience": audience})
    expected = {"segment": segment.pk, "membership_url": "", "archive_access": "password"}
    assert values["audience"] == expected
    assert values["subscribers"] == 0
    assert Newsletter.objects.get(slug="tide").is_archive_password("low water")
    wrong = {"audience": audience | {"segment": foreign.pk}}
    assert caller("PATCH", "/newsletters/tide", wrong).status_code == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("segment", None),
        ("membership_url", "https://courier.example/join"),
        ("archive_access", "password"),
        ("archive_password", "high water"),
    ],
)
def test_a_part_of_the_audience_leaves_the_others(
    make_caller: MakeCaller, tide: Newsletter, name: str, value: str | None
) -> None:
    """Neither a protected archive nor a newsletter for members is opened without a word."""
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(tide.publication, "Members", rules, NOON)
    url = "https://courier.example/members"
    before = {"segment": segment.pk, "membership_url": url, "archive_access": "subscribers"}
    caller = make_caller()
    audience = before | {"archive_password": "low water"}
    caller.json("PATCH", "/newsletters/tide", {"audience": audience})
    values = caller.json("PATCH", "/newsletters/tide", {"audience": {name: value}})["audience"]
    assert values == before | ({name: value} if name in before else {})
    tide.refresh_from_db()
    password = "high water" if name == "archive_password" else "low water"
    assert tide.is_archive_password(password)


def test_a_segment_protects_past_issues(make_caller: MakeCaller, tide: Newsletter) -> None:
    """Unless the call says that everyone may read them."""
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "member"}]}
    segment = saving.create(tide.publication, "Members", rules, NOON)
    caller = make_caller()
    for more, expected in (
        ({}, "subscribers"),
        ({"segment": None}, "subscribers"),
        ({"archive_access": "public"}, "public"),
    ):
        audience = {"segment": segment.pk} | more
        values = caller.json("PATCH", "/newsletters/tide", {"audience": audience})
        assert values["audience"]["archive_access"] == expected


def test_one_issue_differs(make_caller: MakeCaller, tide: Newsletter) -> None:
    """From what holds for its newsletter."""
    issue = make_issue(tide, state="sent", planned_at=NOON)
    caller = make_caller()
    address = f"/issues/{issue.pk}/archive-access"
    values = caller.json("POST", address, {"archive_access": "subscribers"})
    assert values["archive_access"] == "subscribers"
    assert Issue.objects.get().archive_access == "subscribers"
    assert caller("POST", address, {"archive_access": "password"}).status_code == 409
    assert caller("POST", address, {"archive_access": "friends"}).status_code == 422


def test_stripe_is_connected_and_set_up(make_caller: MakeCaller, tide: Newsletter) -> None:
    """A PATCH of an owner's token connects it; the secret is never shown."""
    caller = make_caller()
    address = "/publications/courier/stripe"
    assert caller("GET", address).status_code == 404
    assert caller("PATCH", address, {"has_grace": True}).status_code == 403
    User.objects.update(is_superuser=True)
    change = {"signing_secret": SECRET, "tiers": {"price_1": "paid"}}
    values = caller.json("PATCH", address, change)
    assert values["has_secret"]
    assert values["tiers"] == {"price_1": "paid"}
    assert SECRET not in str(values)
    assert caller.json("GET", address) == values
    assert caller("PATCH", address, {"tiers": {"price_1": "gold"}}).status_code == 409
    assert caller("PATCH", address, {"signing_secret": "sk_1"}).status_code == 409
    assert not values["is_ending"]
    StripeAccount.objects.update(is_ending=True)  # a worker ends the tiers of many
    assert caller.json("GET", address)["is_ending"]
    assert tide.publication.attributes.get().key == "tier"
