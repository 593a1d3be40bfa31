"""The list of subscribers: searched by any part, filtered, counted, exported."""

import csv
from collections.abc import Callable

import pytest

from digest.accounts.models import AuditEntry, User
from digest.bulk.models import BulkChange
from digest.console.audience import listing
from digest.console.issues import header
from digest.newsletters.models import Newsletter, Publication
from digest.subscribers import attributes, profiles
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription
from digest.subscribers.segments import saving
from tests.cast import (
    NOON,
    make_issue,
    make_member,
    make_newsletter,
    make_publication,
    make_story,
    make_subscriber,
    make_subscribers,
    make_subscription,
)
from tests.cast.accounts import browser_of
from tests.cast.bulk import make_bulk_change
from tests.console.test_subscribers import messages_of

pytestmark = pytest.mark.django_db
HIDDEN = ""  # the name of Dee, who subscribes to another publication too
ListNames = Callable[..., set[str]]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter with a subscriber of each kind; and one of another publication."""
    newsletter = make_newsletter(slug="tide", publication=make_publication())
    other = make_newsletter(slug="gazette", publication=make_publication(slug="gazette"))
    for name, email in (("Ana Berg", "ana@coast.example"), ("Ben", "ben@bergen.example")):
        make_subscriber(newsletter, name=name, email=email)
    former = make_subscriber(newsletter, name="Cid", email="cid@coast.example")
    Subscription.objects.filter(subscriber=former).update(state="unsubscribed")
    shared = make_subscriber(other, name="Dee", email="dee@coast.example")
    make_subscription(shared, newsletter, state="unsubscribed")
    ana = Subscription.objects.get(subscriber__name="Ana Berg")
    profiles.add_tag("vip", newsletter.publication_id, [ana.subscriber_id])
    profiles.add_tag("secret", other.publication_id, [ana.subscriber_id])
    ConsentEvent.objects.create(
        subscriber=ana.subscriber, newsletter=newsletter, action="imported", at=NOON, via="import"
    )
    return newsletter


@pytest.fixture
def names(tide: Newsletter) -> ListNames:
    """Return the names that the list shows the owner of the publication, for a query."""
    browser = browser_of(make_member(tide.publication))

    def shown_names(**query: object) -> set[str]:
        page = browser.get("/admin/subscribers/", query)  # type: ignore[arg-type]
        rows = page.context["table"].rows
        assert str(page.context["count"]) == f"{len(rows)}"
        return {dict(row.cells)["Name"] for row in rows}

    return shown_names


def test_any_part_of_an_address_or_name_is_searched(names: ListNames) -> None:
    """In any case; a percent sign is not a pattern."""
    assert names(q="BERG") == {"Ana Berg", "Ben"}
    assert names(q="@coast") == {"Ana Berg", "Cid", HIDDEN}
    assert names(q="%") == set()
    assert names(q="Dee") == {HIDDEN}, "by the address"


def test_filters_narrow_the_list(tide: Newsletter, names: ListNames) -> None:
    """Those of a subscription are about the same one; nobody has what is not known."""
    rule = {"field": "tag", "operator": "is_not", "value": "vip"}
    segment = saving.create(tide.publication, "Not VIP", {"rules": [rule]}, NOON)
    foreign = saving.create(Publication.objects.get(slug="gazette"), "Theirs", {"rules": []}, NOON)
    all_names = {"Ana Berg", "Ben", "Cid", HIDDEN}
    for query, expected in (
        ({}, all_names),
        ({"newsletter": tide.pk, "state": "active"}, {"Ana Berg", "Ben"}),
        ({"state": "unsubscribed"}, {"Cid", HIDDEN}),
        ({"state": "active", "cadence": "weekly"}, set()),
        ({"tag": "vip"}, {"Ana Berg"}),
        ({"tag": "VIP"}, {"Ana Berg"}),
        ({"tag": "secret"}, set()),
        ({"source": "unheard of"}, set()),
        ({"state": "x"}, set()),
        ({"newsletter": "9" * 30}, set()),
        ({"segment": foreign.pk}, set()),
        ({"tag": "x" * 2_000}, set()),
        ({"source": "import"}, {"Ana Berg"}),
        ({"segment": segment.pk}, {"Ben"}),
        ({"segment": segment.pk, "q": "ana"}, set()),
        ({"segment": "x"}, set()),
    ):
        assert names(**query) == expected, query


def test_a_tag_that_is_not_offered_stays_chosen(tide: Newsletter) -> None:
    """The form offers some; the address may ask for any, and says so."""
    browser = browser_of(make_member(tide.publication))
    page = browser.get("/admin/subscribers/", {"tag": "rare", "state": "x"}).content.decode()
    assert '<option value="rare" selected>rare</option>' in page
    assert '<option value="x" selected>Unknown</option>' in page
    assert "Nothing matches." in page


def test_what_takes_too_long_is_not_answered(
    tide: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what to do; nothing is exported, as nobody knows whom it would be about."""
    make_subscribers(tide, 12_000)
    monkeypatch.setattr(listing, "PATIENCE", 1)  # milliseconds
    monkeypatch.setattr(header, "PATIENCE", 1)
    monkeypatch.setattr(header, "COUNT_PATIENCE", 1)
    rules = [{"field": "email", "operator": "contains", "value": "@"} for _ in range(9)]
    segment = saving.create(tide.publication, "Everyone", {"rules": rules}, NOON)
    browser = browser_of(make_member(tide.publication))
    query = {"segment": segment.pk, "q": "@@"}
    page = browser.get("/admin/subscribers/", query).content.decode()  # type: ignore[arg-type]
    assert "Narrow it down" in page
    assert "No answer in time." in page
    assert "Export these" not in page
    answer = browser.get("/admin/subscribers/export/", query)  # type: ignore[arg-type]
    assert answer.status_code == 302
    assert not AuditEntry.objects.exists()
    issue = make_issue(tide, segment=segment)
    make_story(issue)
    assert b"counting subscribers" in browser.get(f"/admin/issues/{issue.pk}/").content
    text = browser.get(f"/admin/issues/{issue.pk}/recipients/").content.decode()
    assert ">about 12,000 subscribers<" in text


def test_what_is_filtered_is_exported(tide: Newsletter) -> None:
    """Of the publication alone, and noted; without the right it is refused."""
    browser = browser_of(make_member(tide.publication))
    answer = browser.get("/admin/subscribers/export/", {"q": "coast"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["email"], row["newsletter"], row["state"]) for row in rows] == [
        ("ana@coast.example", "tide", "active"),
        ("cid@coast.example", "tide", "unsubscribed"),
        ("dee@coast.example", "tide", "unsubscribed"),
    ]
    entry = AuditEntry.objects.get()
    assert (entry.target, entry.publication_id) == ("q=coast", tide.publication_id)
    answer = browser.get("/admin/subscribers/export/", {"q": "ana", "search": "start"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 2  # type: ignore[attr-defined]
    answer = browser.get("/admin/subscribers/export/", {"q": "coast", "search": "start"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]
    answer = browser.get("/admin/subscribers/export/", {"segment": "1234567"})
    assert len(b"".join(answer.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]
    editor = browser_of(make_member(tide.publication, "editor", email="ed@courier.example"))
    assert editor.get("/admin/subscribers/export/").status_code == 403
    assert User.objects.count() == 2


def test_ticked_subscribers_are_changed_after_a_preview(tide: Newsletter) -> None:
    """Selected, previewed, confirmed as previewed, undone; each step is in the audit log."""
    browser = browser_of(make_member(tide.publication))
    ben, cid = (Subscriber.objects.get(email__startswith=name) for name in ("ben", "cid"))
    answer = browser.post("/admin/subscribers/select/", {"which": "ticked", "tick": []})
    assert answer["Location"] == "/admin/subscribers/?"
    form = {"which": "ticked", "tick": [ben.pk, cid.pk, "x"]}
    page = browser.post("/admin/subscribers/select/?q=ben", form, follow=True)
    change = BulkChange.objects.get()
    assert (change.selected, change.selection) == (1, "Ticked in the list"), "as it was filtered"
    address = f"/admin/subscriber-changes/{change.pk}/"
    assert page.redirect_chain[-1][0] == address
    assert b"Enter a tag" in browser.post(address, {"kind": "add-tag", "tag": " "}).content
    page = browser.post(address, {"kind": "add-tag", "tag": "Friend"}, follow=True)
    assert b"Will change" in page.content
    other = {"description": "Add the tag \u201cfoe\u201d"}
    page = browser.post(f"{address}begin/", other, follow=True)
    assert "changed this meanwhile" in messages_of(page)
    description = {"description": page.context["description"]}
    page = browser.post(f"{address}begin/", description, follow=True)
    profile = profiles.profile_of(ben.pk, tide.publication_id)
    assert profile.tags == ["friend"]
    assert b"Possible until" in page.content
    browser.post(f"{address}undo/")
    profile.refresh_from_db()
    assert profile.tags == []
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert [action.split(":")[0] for action in actions] == [
        *("Add the tag \u201cfriend\u201d", "began"),
        *("Add the tag \u201cfriend\u201d", "began to undo"),
    ]
    assert b"Undone" in browser.get("/admin/subscriber-changes/").content


def test_all_that_match_are_selected_and_exported(tide: Newsletter) -> None:
    """With tags and values, whose cells no spreadsheet runs; nobody else's."""
    attributes.define(tide.publication, label="City", kind="text", now=NOON)
    attributes.define(tide.publication, label="Debt", kind="number", now=NOON)
    ana = Subscriber.objects.get(email__startswith="ana")
    profiles.set_attributes(ana.pk, tide.publication_id, {"city": "=Bergen", "debt": -5})
    browser = browser_of(make_member(tide.publication))
    browser.post("/admin/subscribers/select/?state=active", {"which": "all"})
    change = BulkChange.objects.get()
    assert change.selection == "State: subscribed"
    answer = browser.get(f"/admin/subscriber-changes/{change.pk}/export/")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["email"], row["tags"]) for row in rows] == [
        ("ana@coast.example", "vip"),
        ("ben@bergen.example", ""),
    ]
    assert rows[0]["attribute.city"] == "'=Bergen"
    assert rows[0]["attribute.debt"] == "-5"
    browser.post(f"/admin/subscriber-changes/{change.pk}/discard/")
    assert not BulkChange.objects.exists()


def test_mail_and_erasure_take_their_own_rights(tide: Newsletter) -> None:
    """An editor may tag, and neither invites without the right to send nor erases."""
    editor = browser_of(
        make_member(tide.publication, "editor", email="ed@courier.example", may_send=False)
    )
    for kind in ("invite", "erase"):
        change = make_bulk_change(tide, kind, newsletter="tide")
        address = f"/admin/subscriber-changes/{change.pk}/"
        page = editor.get(address).content.decode()
        assert f'<option value="{kind}"' not in page
        assert editor.post(f"{address}begin/", {"number": change.selected}).status_code == 403
        change.refresh_from_db()
        assert change.state == "draft"


def test_filters_become_the_rules_of_a_segment(tide: Newsletter) -> None:
    """They are offered before they are saved; without filters there is nothing to offer."""
    browser = browser_of(make_member(tide.publication))
    assert browser.get("/admin/subscribers/").context["segment_url"] == ""
    query = {"newsletter": tide.pk, "tag": "vip", "q": "coast"}
    address = browser.get("/admin/subscribers/", query).context["segment_url"]  # type: ignore[arg-type]
    page = browser.get(address)
    rules = page.context["document"]
    assert rules["rules"] == [
        {"field": "newsletter", "operator": "is", "value": "tide"},
        {"field": "tag", "operator": "is", "value": "vip"},
        {"field": "email", "operator": "contains", "value": "coast"},
    ]
    segment = saving.create(tide.publication, "Friends", rules, NOON)
    assert [row.email for row in saving.members_of(segment, NOON)] == ["ana@coast.example"]
    rules = {"match": "any", "rules": rules["rules"]}
    wide = saving.create(tide.publication, "Wide", rules, NOON)
    address = browser.get("/admin/subscribers/", {"segment": wide.pk}).context["segment_url"]
    assert browser.get(address).context["document"]["rules"] == [wide.rules]
