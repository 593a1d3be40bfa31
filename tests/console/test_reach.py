"""What a page offers to somebody with fewer rights leads on: no link and no button to a refusal."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from digest.issues.models import Issue
from digest.newsletters.models import Member, Newsletter, Publication, Role
from digest.subscribers.models import Subscriber
from tests.cast.accounts import browser_of
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_running
from tests.cast.newsletters import make_member, make_newsletter, make_publication
from tests.clock import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue() -> Issue:
    """An issue that two subscribers get."""
    return make_running(2)


def limited(newsletter: Newsletter, role: str = "editor") -> Client:
    """The browser of somebody who reaches that newsletter alone."""
    return browser_of(make_member(newsletter.publication, role, newsletter_ids=[newsletter.pk]))


def text(client: Client, address: str) -> str:
    """What a page says."""
    answer = client.get(f"/admin/{address}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_rights_elsewhere_give_no_buttons_for_a_subscriber(issue: Issue) -> None:
    """Who may send, export and erase in another publication may not in this one."""
    further_rights: dict[str, Any] = {"may_export": True, "may_erase": True}
    editor = make_member(issue.newsletter.publication, "editor", may_send=False)
    foreign_role = Member.objects.create(
        user=editor, publication=make_publication(), role=Role.OWNER, created_at=NOON
    )
    page = f"subscribers/{Subscriber.objects.earliest('pk').pk}/"
    buttons = ("Resend …", "Export data", "Erase …")
    assert [button for button in buttons if button in text(browser_of(editor), page)] == []
    foreign_role.delete()
    Member.objects.update(may_send=True, **further_rights)
    assert [button for button in buttons if button in text(browser_of(editor), page)] == [*buttons]


@pytest.mark.parametrize("role", ["editor", "analyst"])
def test_the_design_of_ones_own_newsletter_is_drawn(newsletter: Newsletter, role: str) -> None:
    """As it is saved where the form cannot be changed, though the publication is not reached."""
    Newsletter.objects.update(design="briefing")
    make_article(make_source(newsletter), image_url="https://courier.example/seal.jpg")
    address = f"/admin/newsletter/{newsletter.pk}/design/preview/"
    browser = limited(newsletter, role)
    assert address in text(browser, f"newsletter/{newsletter.pk}/")
    saved = browser.post(address)
    assert saved.status_code == 200
    assert saved.content == browser.post(address, {"design-design": "briefing"}).content
    assert saved.content != browser.post(address, {"design-design": "picture"}).content


def test_nothing_of_the_publication_is_offered_to_who_edits_a_newsletter(
    newsletter: Newsletter,
) -> None:
    """Neither its library of pictures, nor segments, nor new newsletters."""
    browser, owner = limited(newsletter), browser_of(make_member(None, email="ada@courier.example"))
    for address, offered in (
        ("newsletters/", "/admin/newsletter/add/"),
        ("newsletter/add/", "Set up a publication"),
        ("subscribers/", 'class="button" href="/admin/segments/"'),
        (f"newsletter/{newsletter.pk}/", 'data-do="pick"'),
    ):
        assert offered not in text(browser, address), address
    newsletter.layout.filter(kind="lead").update(kind="note")
    assert 'data-do="pick"' not in text(browser, f"newsletter/{newsletter.pk}/")
    assert 'data-do="pick"' in text(owner, f"newsletter/{newsletter.pk}/")


def test_an_analyst_is_not_led_to_the_mailboxes(newsletter: Newsletter, settings: Settings) -> None:
    """Only owners of everything open them."""
    settings.DIGEST_BOUNCE_DOMAIN = ""
    address, link = "deliverability/dmarc/", "/admin/relays/mailboxes/"
    analyst = browser_of(make_member(newsletter.publication, "analyst"))
    owner = browser_of(make_member(None, email="ada@courier.example"))
    assert link not in text(analyst, address)
    assert link in text(owner, address)


def test_each_account_of_stripe_has_fields_of_its_own(newsletter: Newsletter) -> None:
    """A label leads to the field beside it."""
    other = make_newsletter(slug="flood").publication
    owner = browser_of(make_member(None))
    for publication in (newsletter.publication, other):
        owner.post("/admin/memberships/connect/", {"publication": publication.pk})
    assert Publication.objects.exclude(stripe_account=None).count() == 2
    page = text(owner, "memberships/")
    assert page.count('id="id_secret"') == 0
    assert page.count('type="text" name="secret"') == 2
