"""A publication's own page keeps what can be, card by card; appeals say how they will look."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.accounts.models import AuditEntry, User
from digest.issues.models import Block
from digest.newsletters.models import Appeal, Member, Publication, Role
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import Size
from tests.cast.issues import make_issue
from tests.cast.newsletters import make_appeal, make_member, make_newsletter, make_publication
from tests.cast.pictures import make_picture
from tests.cast.texts import SCRIPT
from tests.clock import NOON
from tests.console.forms import APPEAL

pytestmark = pytest.mark.django_db
Fields = dict[str, Any]


def signed_in(client: Client, role: str, publication: Publication) -> Client:
    """The browser of a member of one publication."""
    client.force_login(make_member(publication, role))
    return client


def save_card(owner: Client, publication: Publication, card: str, **fields: Any) -> Any:
    """Save a card."""
    return owner.post(f"/admin/publication/{publication.pk}/{card}/", fields)


NAME = {"name": "The Ebb", "url": "ebb.example", "postal_address": "2 Quay Street\r\nSaltmarsh"}
THEME = {"background": "warm", "fonts": "classic", "corner": "soft", "density": "comfortable"}
LOOKS = {"logo_url": "", "logo_width": 200, "accent": "#aa3311", "accent_dark": "#ffbb99"} | THEME
SENDER = {"sender_name": "The Ebb", "sender_email": "ebb@courier.example", "reply_to": ""}
PLACE = {"language": "es", "timezone": "Europe/Madrid"}


@pytest.mark.parametrize(
    ("card", "fields", "expected"),
    [
        (
            "name",
            NAME | {"tagline": "At dusk"},
            {"url": "https://ebb.example", "tagline": "At dusk"},
        ),
        ("looks", LOOKS, {"logo_width": 200, "accent": "#aa3311", "accent_dark": "#ffbb99"}),
        ("sender", SENDER | {"reply_to": "us@ebb.example"}, {"reply_to": "us@ebb.example"}),
        ("place", PLACE, PLACE),
        (
            "tracking",
            {"tracking": "individual", "track_opens": "on"},
            {"tracking": "individual", "track_opens": True},
        ),
    ],
)
def test_a_card_is_kept(
    ada_client: Client, courier: Publication, card: str, fields: Fields, expected: Fields
) -> None:
    """And it is noted who did; the other cards stay as they were."""
    before: dict[str, Any] = {**Publication.objects.values().get()}
    assert save_card(ada_client, courier, card, **fields).status_code == 302
    after: dict[str, Any] = {**Publication.objects.values().get()}
    assert {name: after[name] for name in expected} == expected
    assert {name for name in after if after[name] != before[name]} <= set(fields)
    entry = AuditEntry.objects.get()
    assert (entry.publication_id, entry.target) == (courier.pk, after["name"])
    assert ada_client.get(f"/admin/publication/{courier.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("card", "fields", "message"),
    [
        ("name", NAME | {"name": " "}, "This field is required"),
        ("name", NAME | {"name": "The\u2028Ebb"}, "line end or a control character"),
        ("name", NAME | {"url": "no address"}, "Enter a web address"),
        ("name", NAME | {"postal_address": "\r\n "}, "This field is required"),
        ("looks", LOOKS | {"accent": "red"}, "A colour like"),
        ("looks", LOOKS | {"logo_width": 5000}, "less than or equal to 520"),
        ("looks", LOOKS | {"logo_url": "javascript:alert(1)"}, "Enter a web address"),
        ("sender", SENDER | {"sender_email": "nobody"}, "nobody"),
        ("sender", SENDER | {"reply_to": "nobody"}, "nobody"),
        ("sender", SENDER | {"sender_name": "A\u2028B"}, "line end or a control character"),
        ("place", PLACE | {"timezone": "Mars/1"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_beside_it(
    ada_client: Client, courier: Publication, card: str, fields: Fields, message: str
) -> None:
    """On the same page, with what was entered; nothing is changed, not even half."""
    before = Publication.objects.values().get()
    answer = save_card(ada_client, courier, card, **fields)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert "Nothing was saved" in answer.content.decode()
    assert Publication.objects.values().get() == before
    assert not AuditEntry.objects.exists()


def test_there_is_no_other_card(ada_client: Client, courier: Publication) -> None:
    """Nor any way to it."""
    assert save_card(ada_client, courier, "slug", slug="mine").status_code == 404
    assert ada_client.get(f"/admin/publication/{courier.pk}/name/").status_code == 405


def test_a_zone_of_before_stays_to_be_chosen(ada_client: Client) -> None:
    """One that is not among the usual ones is not lost by keeping the card."""
    courier = make_publication(timezone="Etc/GMT+3", language="pt-BR")
    assert (
        save_card(ada_client, courier, "place", language="pt-BR", timezone="Etc/GMT+3").status_code
        == 302
    )


def test_the_page_names_newsletters_and_relay(ada_client: Client, courier: Publication) -> None:
    """Words from outside stay words."""
    newsletter = make_newsletter(publication=courier, name=SCRIPT)
    page = ada_client.get(f"/admin/publication/{courier.pk}/").content.decode()
    assert f"/admin/newsletter/{newsletter.pk}/" in page
    assert SCRIPT not in page
    assert "Mail is sent through" in page or "No mail server is set up" in page


@pytest.mark.parametrize("role", [Role.ANALYST, Role.EDITOR])
def test_whoever_does_not_own_it_looks(client: Client, courier: Publication, role: str) -> None:
    """And changes nothing: its name and sender stand in every mail."""
    client = signed_in(client, role, courier)
    page = client.get(f"/admin/publication/{courier.pk}/")
    assert page.status_code == 200
    assert b">Save<" not in page.content
    assert save_card(client, courier, "place", **PLACE).status_code == 403
    courier.refresh_from_db()
    assert courier.language == "en"


def test_owning_another_is_no_right_here(client: Client, courier: Publication) -> None:
    """Who owns one publication and only looks at this one changes nothing of it."""
    client = signed_in(client, Role.ANALYST, courier)
    other_publication = make_publication()
    Member.objects.create(
        user=User.objects.get(), publication=other_publication, role=Role.OWNER, created_at=NOON
    )
    assert save_card(client, courier, "place", **PLACE).status_code == 403
    assert save_card(client, other_publication, "place", **PLACE).status_code == 302
    courier.refresh_from_db()
    assert courier.language == "en"


def test_anothers_is_not_there(client: Client, courier: Publication) -> None:
    """For the owner of one other alone."""
    client = signed_in(client, Role.OWNER, make_publication())
    assert client.get(f"/admin/publication/{courier.pk}/").status_code == 404
    assert save_card(client, courier, "place", **PLACE).status_code == 404
    appeal = make_appeal(courier)
    assert client.get(f"/admin/appeals/{appeal.pk}/preview/").status_code == 404


# --- appeals ---------------------------------------------------------------------------


def appealed(owner: Client, publication: Publication, **fields: Any) -> Any:
    """Save a new appeal."""
    data = {
        "publication": publication.pk,
        **APPEAL,
        "priority": "0",
        "weight": "1",
        "starts_at": "2026-11-23T12:00",
        "ends_at": "",
    }
    return owner.post("/admin/appeals/new/", data | fields)


def test_an_appeal_may_have_no_end(ada_client: Client, courier: Publication) -> None:
    """Its times are in the publication's zone, and the form says so."""
    page = ada_client.get("/admin/appeals/new/").content.decode()
    assert "Time zone Europe/London" in page
    assert appealed(ada_client, courier).status_code == 302
    appeal = Appeal.objects.get()
    assert (appeal.starts_at, appeal.ends_at) == (NOON, None)
    assert appeal.url == "https://courier.example/support"
    assert "No end" in ada_client.get("/admin/appeals/").content.decode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ends_at": "2026-11-23T11:00"}, "end must be after the start"),
        ({"ends_at": "2026-11-24T"}, "valid date/time"),
        ({"url": "ftp://courier.example/x"}, "Enter a web address"),
        ({"url": "javascript:alert(1)"}, "Enter a web address"),
        ({"body": ""}, "Add a text and a button label"),
    ],
)
def test_an_appeal_that_cannot_be(
    ada_client: Client, courier: Publication, fields: dict[str, str], message: str
) -> None:
    """Is not kept, and the form says why."""
    answer = appealed(ada_client, courier, **fields)
    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert not Appeal.objects.exists()


def test_an_appeal_is_shown_as_mail_shows_it(ada_client: Client, courier: Publication) -> None:
    """In a frame that runs nothing, whatever stands in it."""
    appeal = make_appeal(courier, heading=SCRIPT, ends_at=NOON + timedelta(days=1))
    page = ada_client.get(f"/admin/appeals/{appeal.pk}/").content.decode()
    assert "formPreview('/admin/appeals/preview/'" in page
    mail = ada_client.get(f"/admin/appeals/{appeal.pk}/preview/")
    assert "Help us stay afloat." in mail.content.decode()
    assert SCRIPT not in mail.content.decode()
    assert mail["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_an_analyst_looks_at_an_appeal(client: Client, courier: Publication) -> None:
    """Without a field to type in."""
    appeal = make_appeal(courier)
    page = signed_in(client, Role.ANALYST, courier).get(f"/admin/appeals/{appeal.pk}/")
    assert page.status_code == 200
    assert b'name="heading"' not in page.content
    assert f'src="/admin/appeals/{appeal.pk}/preview/?scheme=light"' in page.content.decode()
    assert client.post("/admin/appeals/preview/", {"publication": courier.pk}).status_code == 403


def test_an_appeal_is_previewed_while_it_is_written(
    ada_client: Client, courier: Publication
) -> None:
    """With what the form holds, whatever is missing; in the design of the newsletter chosen."""
    newsletter = make_newsletter(publication=courier, name="The Evening Tide")
    picture = make_picture(courier)
    form = {"publication": courier.pk, "kind": "sponsor", "heading": SCRIPT}
    form |= {"picture": str(picture.uuid), "picture_dark": "odd", "url": "javascript:alert(1)"}
    answer = ada_client.post("/admin/appeals/preview/", form | {"newsletters": newsletter.pk})
    mail = answer.content.decode()
    assert "Sponsored" in mail
    assert "The Evening Tide" in mail
    assert rendition_of(picture, Size.WIDE).url in mail
    assert SCRIPT not in mail
    assert "javascript:" not in mail
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert not Appeal.objects.exists()
    assert ada_client.post("/admin/appeals/preview/", {"publication": "0"}).status_code == 404


def test_a_sponsor_has_pictures_of_its_own_library(
    ada_client: Client, courier: Publication
) -> None:
    """One of another publication is refused; a sponsor gets its label in the language."""
    Publication.objects.filter(pk=courier.pk).update(language="de")
    own, foreign = make_picture(courier), make_picture(make_publication(slug="other"))
    sponsor = {"kind": "sponsor", "picture": str(own.uuid)}
    refused = appealed(ada_client, courier, **sponsor, picture_dark=str(foreign.uuid))
    assert "is not in this publication" in refused.content.decode()
    assert appealed(ada_client, courier, **sponsor).status_code == 302
    appeal = Appeal.objects.get()
    assert (appeal.picture, appeal.picture_dark, appeal.label) == (own.uuid, None, "Anzeige")
    page = ada_client.get(f"/admin/appeals/{appeal.pk}/").content.decode()
    assert f'name="picture" value="{own.uuid}"' in page


def test_appeals_are_found_by_state_and_newsletter(
    ada_client: Client, courier: Publication
) -> None:
    """Running, planned, over; of a newsletter also those that run in all of them."""
    tide, ebb = make_newsletter(publication=courier), make_newsletter(publication=courier)
    rules: dict[str, dict[str, Any]] = {
        "running": {},
        "scheduled": {"starts_at": NOON + timedelta(days=1)},
        "ended": {"ends_at": NOON - timedelta(hours=1), "starts_at": NOON - timedelta(days=1)},
        "paused": {"paused": True},
        "archived": {"archived_at": NOON},
    }
    for name, fields in rules.items():
        make_appeal(courier, heading=f"Is {name}", **fields)
    make_appeal(courier, heading="Of ebb").newsletters.add(ebb)
    for state in rules:
        page = ada_client.get(f"/admin/appeals/?state={state}").content.decode()
        assert [name for name in rules if f"Is {name}" in page] == [state]
    page = ada_client.get(f"/admin/appeals/?newsletter={tide.pk}").content.decode()
    assert "Is running" in page
    assert "Of ebb" not in page
    assert "Is archived" not in page
    assert "Mon 23 Nov 2026, 12:00 GMT" in page


def test_an_appeal_that_ran_is_archived(ada_client: Client, courier: Publication) -> None:
    """With its history; issues still to go out lose it, and it comes back paused."""
    newsletter = make_newsletter(publication=courier)
    appeal = make_appeal(courier)
    for state, slot in (("draft", NOON), ("sent", NOON - timedelta(days=1))):
        issue = make_issue(newsletter, state=state, slot=slot)
        issue.blocks.create(kind="appeal", position=9, appeal=appeal)
    ada_client.post(f"/admin/appeals/{appeal.pk}/delete/")
    appeal.refresh_from_db()
    assert appeal.archived_at is not None
    assert [row.issue.state for row in Block.objects.filter(appeal=appeal)] == ["sent"]
    page = ada_client.get(f"/admin/appeals/{appeal.pk}/").content.decode()
    assert "Archived" in page
    assert "sent to 0" in page
    assert 'name="heading"' not in page
    ada_client.post(f"/admin/appeals/{appeal.pk}/restore/")
    restored = Appeal.objects.get()
    assert (restored.archived_at, restored.paused) == (None, True)
