"""Attributes, tags and segments: defined, set and built in the console."""

import json
import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.accounts.models import AuditEntry, User
from digest.console import block_forms
from digest.issues import approval, block_editing
from digest.issues.models import Issue
from digest.newsletters import appeals
from digest.newsletters.audiences.models import Attribute, Segment
from digest.newsletters.errors import NewsletterError
from digest.newsletters.models import Newsletter
from digest.subscribers import attributes, profiles
from digest.subscribers.segments import saving
from digest.tenancy.scope import EVERYTHING
from tests.browser import chromium_page, in_browser, sign_in
from tests.cast import (
    NOON,
    make_appeal,
    make_article,
    make_block,
    make_layout_block,
    make_member,
    make_newsletter,
    make_publication,
    make_source,
    make_subscriber,
)
from tests.cast.accounts import browser_of
from tests.console import houses
from tests.console.test_subscribers import messages_of

pytestmark = pytest.mark.django_db
VIP = {"match": "all", "rules": [{"field": "tag", "operator": "is", "value": "vip"}]}


def test_an_attribute_is_defined_changed_and_deleted(ada_client: Client, tide: Newsletter) -> None:
    """Its values go with it; while a segment asks for it, it stays."""
    form = {"publication": tide.publication_id, "label": "Plan", "kind": "choice", "choices": ""}
    assert b"Enter the choices" in ada_client.post("/admin/attributes/", form).content
    ada_client.post("/admin/attributes/", form | {"choices": "Free\r\nPaid\r\nFree"})
    row = Attribute.objects.get()
    assert (row.key, row.choices) == ("plan", ["Free", "Paid"])
    subscriber = make_subscriber(tide)
    profiles.set_attributes(subscriber.pk, tide.publication_id, {"plan": "paid"})
    ada_client.post(f"/admin/attributes/{row.pk}/", {"label": "Tariff", "choices": "Paid\nGold"})
    row.refresh_from_db()
    assert (row.label, row.choices, row.key) == ("Tariff", ["Paid", "Gold"], "plan")
    rules = {"rules": [{"field": "attribute.plan", "operator": "is", "value": "Gold"}]}
    segment = saving.create(tide.publication, "Gold", rules, NOON)
    address = f"/admin/attributes/{row.pk}/delete/"
    assert "Change the segment first" in messages_of(ada_client.post(address, follow=True))
    saving.delete(segment)
    ada_client.post(address)
    assert profiles.profile_of(subscriber.pk, tide.publication_id).attributes == {}
    assert not Attribute.objects.exists()
    assert AuditEntry.objects.filter(action="deleted the attribute").exists()


def test_tags_and_values_of_a_subscriber(ada_client: Client, tide: Newsletter) -> None:
    """All that was entered is stored, or nothing of it."""
    attributes.define(tide.publication, label="Age", kind="number", now=NOON)
    subscriber = make_subscriber(tide)
    address = f"/admin/subscribers/{subscriber.pk}/profile/{tide.publication_id}/"
    ada_client.post(address, {"tags": "VIP, press; vip", "attribute-age": "41"})
    profile = profiles.profile_of(subscriber.pk, tide.publication_id)
    assert (profile.tags, profile.attributes) == (["press", "vip"], {"age": 41})
    answer = ada_client.post(address, {"tags": "", "attribute-age": "old"}, follow=True)
    assert "Enter a number" in messages_of(answer)
    form = answer.content.decode()  # with what was entered
    assert ('value="old"' in form, 'name="original-attribute-age" value="41"' in form) == (
        True,
        True,
    )
    profile.refresh_from_db()
    assert profile.tags == ["press", "vip"]
    page = ada_client.get(f"/admin/subscribers/{subscriber.pk}/").content.decode()
    assert "press, vip" in page
    saving.create(tide.publication, "Friends", VIP, NOON)
    rule = {"field": "tag", "operator": "is", "value": "x"}
    saving.create(tide.publication, "Nobody", {"rules": [rule]}, NOON)
    page = ada_client.get(f"/admin/subscribers/{subscriber.pk}/").content.decode()
    assert "because: with the tag “vip”" in page
    assert "Nobody" not in page
    assert 'value="41"' in page


def test_what_changed_since_the_page_was_opened_stays(ada_client: Client, tide: Newsletter) -> None:
    """Only what the user changes is saved; a choice that is offered no more does no harm."""
    plan = attributes.define(
        tide.publication, label="Plan", kind="choice", choices=["Free", "Gold"], now=NOON
    )
    attributes.define(tide.publication, label="Age", kind="number", now=NOON)
    subscriber = make_subscriber(tide)
    key = (subscriber.pk, tide.publication_id)
    profiles.set_tags(*key, ["press", "vip"])
    profiles.set_attributes(*key, {"plan": "Gold", "age": 41})
    attributes.change(plan, choices=["Free"])
    page = ada_client.get(f"/admin/subscribers/{subscriber.pk}/")
    form = hidden_fields(page.content.decode()) | {
        "tags": "press, local",
        "attribute-plan": "Gold",
        "attribute-age": "42",
    }
    attributes.define(tide.publication, label="City", kind="text", now=NOON)
    attributes.define(tide.publication, label="Born", kind="date", now=NOON)
    profiles.set_attributes(*key, {"city": "Berlin", "born": "2001-02-03"})
    profiles.add_tag("donor", tide.publication_id, [subscriber.pk])
    ada_client.post(f"/admin/subscribers/{subscriber.pk}/profile/{tide.publication_id}/", form)
    profile = profiles.profile_of(*key)
    assert profile.tags == ["donor", "local", "press"]
    assert profile.attributes == {
        "plan": "Gold",
        "age": 42,
        "city": "Berlin",
        "born": "2001-02-03",
    }


def hidden_fields(page: str) -> dict[str, str]:
    """Return the values with which a subscriber's page was opened, as its form sends them."""
    fields = re.findall(r'type="hidden" name="(original-[^"]+)" value="([^"]*)"', page)
    assert fields
    return dict(fields)


def test_a_profile_belongs_to_one_publication(tide: Newsletter) -> None:
    """Members of another one neither see nor change it, though they have the same subscriber."""
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    subscriber = make_subscriber(tide)
    subscriber.subscriptions.create(
        newsletter=other, state="active", created_at=NOON, confirmed_at=NOON
    )
    profiles.add_tag("secret", tide.publication_id, [subscriber.pk])
    saving.create(tide.publication, "Theirs", VIP, NOON)
    browser = browser_of(make_member(other.publication))
    assert b"secret" not in browser.get(f"/admin/subscribers/{subscriber.pk}/").content
    assert b"Theirs" not in browser.get("/admin/segments/").content
    address = f"/admin/subscribers/{subscriber.pk}/profile/{tide.publication_id}/"
    assert browser.post(address, {"tags": "mine"}).status_code == 404
    assert browser.get(f"/admin/segments/{Segment.objects.get().pk}/").status_code == 404
    preview = f"/admin/publication/{tide.publication_id}/segments/preview/"
    assert browser.post(preview, {"rules": json.dumps(VIP)}).status_code == 404


def test_a_segment_is_saved_and_what_cannot_be_says_why(
    ada_client: Client, tide: Newsletter
) -> None:
    """With what was entered."""
    address = f"/admin/publication/{tide.publication_id}/segments/new/"
    wrong = {"rules": [{"field": "tag", "operator": "is", "value": ""}]}
    page = ada_client.post(
        address, {"name": "Friends", "rules": json.dumps(wrong)}
    ).content.decode()
    assert "a value is missing" in page
    assert 'value="Friends"' in page
    for text in ("", "{", "[]", '{"rules": 3}'):
        assert ada_client.post(address, {"name": "", "rules": text}).status_code == 200
    ada_client.post(address, {"name": "Friends", "rules": json.dumps(VIP)})
    segment = Segment.objects.get()
    assert (segment.name, segment.rules) == ("Friends", VIP)
    ada_client.post(f"/admin/segments/{segment.pk}/delete/")
    assert not Segment.objects.exists()


def test_a_preview_says_whom_rules_select(ada_client: Client, tide: Newsletter) -> None:
    """In words, how many, and who."""
    friend = make_subscriber(tide)
    make_subscriber(tide)
    profiles.add_tag("vip", tide.publication_id, [friend.pk])
    address = f"/admin/publication/{tide.publication_id}/segments/preview/"
    part = ada_client.post(address, {"rules": json.dumps(VIP)}).content.decode()
    assert "Subscribers with the tag “vip”." in part
    assert '<p class="stat">1</p>' in part
    assert friend.email in part


@pytest.fixture
def phone(live_server: LiveServer) -> Iterator[Page]:
    """A browser on a phone, signed in."""
    cache.clear()
    user = houses.lived_in(8)
    with chromium_page(viewport={"width": 390, "height": 844}) as browser:
        sign_in(browser, f"{live_server.url}/admin/", user.email, houses.PASSWORD)
        yield browser


@in_browser
@pytest.mark.django_db(transaction=True)
def test_a_segment_is_built_by_keyboard(phone: Page, live_server: LiveServer) -> None:
    """On a phone: rules, a group, the number at once; and it is there when it is opened again."""
    publication = Newsletter.objects.get(slug="morning-tide").publication_id
    phone.goto(f"{live_server.url}/admin/publication/{publication}/segments/new/")
    phone.get_by_label("Name", exact=True).fill("Friends of the harbour")
    phone.get_by_role("button", name="Add rule").press("Enter")
    expect(phone.get_by_label("Field")).to_be_focused()
    phone.keyboard.type("Tag")
    phone.keyboard.press("Tab")
    phone.keyboard.press("Tab")
    phone.keyboard.type("vip")
    expect(phone.locator("#segment-preview .stat")).to_have_text("5")
    phone.get_by_role("button", name="Add group").press("Enter")
    rules = phone.get_by_role("group", name="Rule 1")
    rules.last.get_by_label("Field").select_option("attribute.plan")
    rules.last.get_by_label("Comparison").select_option("is_not")
    rules.last.get_by_label("Value").select_option("Paid")
    expect(phone.locator("#segment-preview .stat")).to_have_text("4")
    phone.get_by_role("button", name="Save segment").press("Enter")
    phone.wait_for_url("**/admin/segments/*/")
    expect(phone.get_by_label("Value").last).to_have_value("Paid")
    assert Segment.objects.get(name="Friends of the harbour").rules["rules"][1]["match"] == "any"


def test_segments_are_chosen_for_issues_and_appeals(ada_client: Client, tide: Newsletter) -> None:
    """Those of the publication are offered; another one's is refused."""
    article = make_article(make_source(tide))
    segment = saving.create(tide.publication, "Friends", VIP, NOON)
    other = saving.create(make_newsletter(slug="ebb").publication, "Others", {"rules": []}, NOON)
    address = f"/admin/issues/new/{tide.pk}/"
    page = ada_client.get(address).content.decode()
    assert "Friends" in page
    assert "Others" not in page
    form = {"what": "chosen", "article": article.pk, "segment": segment.pk, "key": "a"}
    ada_client.post(address, form)
    assert Issue.objects.get().segment == segment
    for segment_id in (other.pk, segment.pk + 1_000, "x"):
        answer = ada_client.post(address, form | {"segment": segment_id, "key": f"b{segment_id}"})
        assert "This segment no longer exists" in answer.content.decode()
    assert Issue.objects.count() == 1
    appeal = make_appeal(tide.publication)
    with pytest.raises(NewsletterError, match="own publication"):
        appeals.change(appeal, now=NOON, segment=other)
    appeals.change(appeal, now=NOON, segment=segment)
    block = make_block(Issue.objects.earliest("pk"), "text")
    with pytest.raises(NewsletterError, match="own publication"):
        block_editing.change(block.issue, block.pk, 1, User.objects.get(), segment=other)
    block_editing.change(block.issue, block.pk, 1, User.objects.get(), segment=segment)
    make_layout_block(tide, title="Thanks", segment=segment, only_topics=["Coast"])
    layout = ada_client.get(f"/admin/newsletter/{tide.pk}/").content.decode()
    assert "only for Coast, only for “<bdi>Friends</bdi>”" in layout
    values = QueryDict(f"block_segment={other.pk}")
    with pytest.raises(NewsletterError, match="no longer exists"):
        block_forms.read_values(block, values, tide.publication_id, EVERYTHING)
    for text, expected in (("", None), (str(segment.pk), segment)):
        values = QueryDict(f"block_segment={text}")
        read = block_forms.read_values(block, values, tide.publication_id, EVERYTHING)
        assert read["segment"] == expected
    before = approval.fingerprint(block.issue)
    saving.change(segment, "Friends", {"rules": []}, NOON)
    assert approval.fingerprint(block.issue) != before
