"""Two people who edit the same settings: the second one is told, and loses nothing."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from digest.console.edit_conflicts import mark_of
from digest.newsletters.audiences.models import Segment
from digest.newsletters.models import Appeal, Newsletter, Publication
from digest.newsletters.signup_forms.models import SignUpForm
from digest.series.models import Series
from digest.subscribers.segments import saving
from tests.cast.newsletters import make_appeal, make_signup_form
from tests.cast.series import make_series
from tests.clock import NOON

pytestmark = pytest.mark.django_db
MARK = re.compile('name="opened_with" value="([0-9a-f]+)"')
CHANGED = "Somebody changed this after you opened the page."
APPEAL = {
    "kind": "appeal",
    "heading": "Ours",
    "body": "Help us.",
    "button": "Support us",
    "url": "https://courier.example/",
    "style": "box",
    "starts_at": "2026-12-01T08:00",
    "priority": "1",
    "weight": "1",
}
FORM = {
    "name": "Ours",
    "kind": "inline",
    "look": "tinted",
    "after_seconds": 10,
    "after_scroll": 50,
    "rest_days": 30,
}


@pytest.mark.parametrize(
    ("kind", "card", "data"),
    [
        (Newsletter, "name", {"name-name": "Ours", "name-language": ""}),
        (Publication, "sender", {"sender_name": "Ours", "sender_email": "news@courier.example"}),
        (Appeal, "", APPEAL),
        (SignUpForm, "", FORM),
        (Series, "", {"name": "Ours"}),
        (Segment, "", {"name": "Ours", "rules": json.dumps({"match": "all", "rules": []})}),
    ],
)
def test_who_saves_last_is_told(
    ada_client: Client, newsletter: Newsletter, kind: Any, card: str, data: dict[str, Any]
) -> None:
    """What was entered stays in the form, which replaces the other's when it is sent again."""
    publication = newsletter.publication
    row: Any
    rows: dict[Any, Any] = {
        Newsletter: (newsletter, f"newsletter/{newsletter.pk}/", "name"),
        Publication: (publication, f"publication/{publication.pk}/", "sender_name"),
        Appeal: (row := make_appeal(publication), f"appeals/{row.pk}/", "heading"),
        SignUpForm: (row := make_signup_form(newsletter), f"forms/{row.pk}/", "name"),
        Series: (row := make_series(newsletter), f"series/{row.pk}/", "name"),
        Segment: (
            row := saving.create(publication, "All", {"rules": []}, NOON),
            f"segments/{row.pk}/",
            "name",
        ),
    }
    row, address, name = rows[kind]
    page, action = f"/admin/{address}", f"/admin/{address}{card}{'/' if card else ''}"
    data |= {"publication": publication.pk, "newsletters": [newsletter.pk]}
    data["opened_with"] = mark(ada_client.get(page).content.decode(), action if card else "")
    kind.objects.filter(pk=row.pk).update(**{name: "Theirs"})
    refused = ada_client.post(action, data).content.decode()
    row.refresh_from_db()
    assert (CHANGED in refused, "Ours" in refused) == (True, True)
    assert getattr(row, name) == "Theirs"
    data["opened_with"] = mark(refused, action if card else "")
    assert ada_client.post(action, data).status_code == 302
    row.refresh_from_db()
    assert getattr(row, name) == "Ours"


def mark(page: str, action: str) -> str:
    """The mark in the form with an address, or in the first form that has one."""
    begin = page.index(f'action="{action}"') if action else 0
    match = MARK.search(page, begin)
    assert match
    return match[1]


def test_rows_have_no_order() -> None:
    """The database gives them in any; of other values the order counts."""
    first, second = Publication(pk=1), Publication(pk=2)
    assert mark_of({"rows": [first, second]}) == mark_of({"rows": [second, first]})
    assert mark_of({"rows": [first]}) != mark_of({"rows": [second]})
    assert mark_of({"topics": ["sea", "sky"]}) != mark_of({"topics": ["sky", "sea"]})


def test_a_segment_that_could_not_be_saved_is_not_changed(
    ada_client: Client, newsletter: Newsletter
) -> None:
    """A name that is in use is refused; another one is taken, as nobody changed the segment."""
    saving.create(newsletter.publication, "Taken", {"rules": []}, NOON)
    row = saving.create(newsletter.publication, "All", {"rules": []}, NOON)
    address = f"/admin/segments/{row.pk}/"
    page = ada_client.get(address).content.decode()
    for name in ("Taken", "Sea"):
        data = {"name": name, "rules": '{"match": "all", "rules": []}'}
        data["opened_with"] = mark(page, "")
        page = ada_client.post(address, data, follow=True).content.decode()
        assert CHANGED not in page
    assert Segment.objects.get(pk=row.pk).name == "Sea"
