"""An editor of some newsletters: every address shows and changes those alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from digest.accounts.models import AuditEntry, User
from digest.articles.models import Source
from digest.console import block_forms
from digest.core import addresses, clock
from digest.issues.models import Issue
from digest.newsletters import members
from digest.newsletters.audiences.models import Segment
from digest.newsletters.errors import NewsletterError
from digest.newsletters.members import MemberRole, Right
from digest.newsletters.models import Invitation, Member, Newsletter, Role
from digest.series.models import Series, Step
from digest.subscribers import consent, profiles
from digest.subscribers.models import Subscriber, Subscription
from digest.subscribers.segments import saving
from digest.tenancy.scope import EVERYTHING, PublicationScope
from tests.cast.accounts import browser_of
from tests.cast.articles import make_source
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_member, make_newsletter
from tests.cast.series import make_series
from tests.cast.subscribers import make_subscriber, make_subscription
from tests.clock import NOON
from tests.console.test_rights import (
    GUARDED,
    Page,
    filled,
    foreign_issue,
    foreign_key,
    number_for,
)

__all__ = ["foreign_issue", "foreign_key"]  # the fixtures

pytestmark = pytest.mark.django_db
SECRET = "Secret plans"
HARBOUR = "https://courier.example/harbour"
RULES = {"match": "all", "rules": []}


@pytest.fixture
def own(foreign_issue: Issue) -> Newsletter:
    """Another newsletter of the same publication."""
    Newsletter.objects.filter(pk=foreign_issue.newsletter_id).update(name=SECRET)
    return make_newsletter(slug="own", publication=foreign_issue.newsletter.publication)


@pytest.fixture
def editor(own: Newsletter) -> User:
    """An editor with every right of an editor, of that newsletter alone."""
    return make_member(
        own.publication, "editor", may_export=True, may_erase=True, newsletter_ids=[own.pk]
    )


@pytest.fixture
def browser(editor: User) -> Client:
    """The editor's browser."""
    browser = Client()
    browser.force_login(editor)
    return browser


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: page.address)
def test_what_is_another_newsletters_is_not_there(
    browser: Client, foreign_issue: Issue, page: Page
) -> None:
    """Nothing of it is found, listed or changed, though it is of the same publication."""
    issues, newsletters = list(Issue.objects.values()), list(Newsletter.objects.values())
    for method in (browser.get, browser.post):
        answer = method(filled(page.address, number_for(page, foreign_issue)))
        if "<int" in page.address and "/article/" not in page.address:
            assert answer.status_code in {403, 404, 405}
        content = b"".join(answer) if answer.streaming else answer.content
        assert SECRET not in content.decode(errors="replace")
    assert list(Issue.objects.values()) == issues
    assert list(Newsletter.objects.values()) == newsletters


def test_their_own_newsletter_is_edited_and_sent(browser: Client, own: Newsletter) -> None:
    """As an editor of the publication would."""
    issue = make_issue(own, state="draft", slot=NOON.replace(year=2099))
    make_story(issue)
    subscriber = make_subscriber(own)
    for address in (
        *("/admin/", "/admin/calendar/", "/admin/statistics/", "/admin/articles/"),
        *(f"/admin/issues/{issue.pk}/", f"/admin/newsletter/{own.pk}/"),
        f"/admin/subscribers/{subscriber.pk}/",
    ):
        assert browser.get(address).status_code == 200, address
    assert subscriber.email in browser.get("/admin/subscribers/").content.decode()
    browser.post(f"/admin/issues/{issue.pk}/send/", {"revision": 1})
    issue.refresh_from_db()
    assert issue.send_at is not None


def test_statistics_are_of_their_newsletter(
    browser: Client, own: Newsletter, foreign_issue: Issue
) -> None:
    """With its subscribers and issues, on the page and as CSV; no other newsletter's."""
    Newsletter.objects.filter(pk=own.pk).update(name="The Harbour")
    ines = addresses.parse("ines@reader.example")
    consent.subscribe(ines, own, via="import", confirmed=True, wording="", now=NOON)
    day = clock.now() - timedelta(days=2)
    sent = {"state": "sent", "slot": day, "planned_at": day, "finished_at": day}
    make_issue(own, subject="Seals return", **sent)
    Issue.objects.filter(pk=foreign_issue.pk).update(subject=SECRET, **sent)
    page = browser.get("/admin/statistics/")
    text = page.content.decode()
    assert ("The Harbour" in text, "Seals return" in text, SECRET in text) == (True, True, False)
    assert page.context["figures"][0].value == "1"
    table = browser.get("/admin/statistics/", {"csv": "newsletters"}).getvalue().decode()
    assert ("The Harbour" in table, SECRET in table) == (True, False)


def test_of_a_shared_subscriber_they_see_their_part(
    browser: Client, own: Newsletter, foreign_issue: Issue
) -> None:
    """No name, tag or other subscription; nobody is erased who has another newsletter, too."""
    shared = make_subscriber(own, name="Ines Far")
    make_subscription(shared, foreign_issue.newsletter)
    profiles.add_tag("vip", own.publication_id, [shared.pk])
    page = browser.get(f"/admin/subscribers/{shared.pk}/").content.decode()
    assert own.name in page
    assert "Ines Far" not in page
    assert "vip" not in page
    issue = make_issue(own, state="draft", slot=NOON.replace(year=2099))
    make_story(issue)
    rules = {"rules": [{"field": "tag", "operator": "is", "value": "unknown"}]}
    segment = saving.create(own.publication, "Unknown", rules, NOON)
    content = {"url": HARBOUR, "title": "For some"}
    make_block(issue, "link", content=content, segment=segment)
    for kind in ("source", "html", "text"):
        path = f"/admin/issues/{issue.pk}/preview/{kind}/"
        preview = browser.get(path, {"subscriber": shared.email}).content.decode()
        assert "Ines Far" not in preview
        assert kind == "source" or HARBOUR in preview  # whoever is in the segment
    assert (
        f"To: {shared.email}"
        in browser.get(
            f"/admin/issues/{issue.pk}/preview/source/", {"subscriber": shared.email}
        ).content.decode()
    )
    answer = browser.get("/admin/subscribers/export/")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert shared.email in text
    assert "vip" not in text
    assert foreign_issue.newsletter.slug not in text.replace(shared.email, "")
    (entry,) = AuditEntry.objects.filter(action__startswith="exported")
    assert entry.publication_id == own.publication_id
    data = browser.get(f"/admin/subscribers/{shared.pk}/export/").json()
    assert [row["newsletter"] for row in data["subscriptions"]] == ["own"]
    assert data["profiles"] == []
    address = f"/admin/subscribers/{shared.pk}/erase/"
    page = browser.post(address, {"address": shared.email}, follow=True).content.decode()
    assert "Nothing was erased" in page
    assert Subscriber.objects.filter(pk=shared.pk).exists()
    address = f"/admin/subscribers/{shared.pk}/unsubscribe/"
    assert browser.post(address, {"newsletter": foreign_issue.newsletter.slug}).status_code == 404
    assert Subscription.objects.filter(state="unsubscribed").count() == 0


def test_a_newsletter_that_is_deleted_widens_nothing(own: Newsletter, editor: User) -> None:
    """Who reached it alone reaches nothing then."""
    own.delete()
    for right in Right:
        assert members.publication_ids(editor, right) == frozenset()
    browser = Client()
    browser.force_login(User.objects.get(pk=editor.pk))
    assert SECRET not in browser.get("/admin/newsletters/").content.decode()


def test_owners_limit_members_and_invitations(own: Newsletter, foreign_issue: Issue) -> None:
    """To newsletters of the publication; an owner has all of them."""
    owner = Client()
    owner.force_login(make_member(own.publication, email="ada@courier.example"))
    editor = make_member(own.publication, "editor", email="ed@courier.example")
    member = Member.objects.get(user=editor)
    form = {"role": "editor", "may_send": "1", "newsletter": [own.pk]}
    page = owner.post(f"/admin/team/{member.pk}/change/", form, follow=True)
    member.refresh_from_db()
    assert member.newsletter_ids == [own.pk]
    assert f"{own.name} in" in page.content.decode()
    with pytest.raises(NewsletterError, match="An owner has every newsletter"):
        members.change_role(member, MemberRole(Role.OWNER, None, newsletter_ids=[own.pk]), NOON)
    foreign_newsletter = make_newsletter(slug="flood")
    with pytest.raises(NewsletterError, match="newsletters of the publication"):
        members.change_role(
            member, MemberRole(Role.EDITOR, None, newsletter_ids=[foreign_newsletter.pk]), NOON
        )
    invitation = {
        "email": "new@courier.example",
        "publication": own.publication.slug,
        "role": "analyst",
        "newsletter": [own.pk],
    }
    owner.post("/admin/team/invite/", invitation)
    assert Invitation.objects.get().newsletter_ids == [own.pk]
    assert foreign_issue.newsletter.publication_id == own.publication_id


def test_no_limit_is_lifted_without_a_word(own: Newsletter) -> None:
    """The newsletter of a member was deleted: a form without a tick gives them no other one."""
    owner = Client()
    owner.force_login(make_member(own.publication, email="ada@courier.example"))
    editor = make_member(
        own.publication, "editor", email="ed@courier.example", newsletter_ids=[own.pk]
    )
    member = Member.objects.get(user=editor)
    own.delete()
    address, form = f"/admin/team/{member.pk}/change/", {"role": "editor", "may_send": "1"}
    page = owner.post(address, form, follow=True).content.decode()
    assert "is limited to some newsletters" in page
    assert 'name="all_newsletters"' in page
    member.refresh_from_db()
    assert member.newsletter_ids
    owner.post(address, form | {"all_newsletters": "1"})
    member.refresh_from_db()
    assert member.newsletter_ids == []


def test_segments_of_the_publication_are_not_theirs(
    browser: Client, own: Newsletter, editor: User
) -> None:
    """Not offered nor accepted, for an issue or a block; a block that has one keeps it."""
    publication = own.publication
    times = {"created_at": NOON, "changed_at": NOON}
    secret, chosen = (
        Segment.objects.create(publication=publication, name=name, rules={}, **times)
        for name in (SECRET, "Kept")
    )
    issue = make_issue(own, state="draft", slot=NOON.replace(year=2099))
    block = make_story(issue).block
    layout_block = own.layout.create(kind="latest", title="New", position=9, max_stories=5)
    addresses = (
        f"/admin/newsletter/{own.pk}/",
        f"/admin/issues/new/{own.pk}/",
        f"/admin/issues/{issue.pk}/",
    )
    scope = PublicationScope.of_user(editor, Right.EDIT)
    for address in addresses:
        page = browser.get(address)
        assert page.status_code == 200, address
        assert SECRET not in page.content.decode()
    for row in (block, layout_block):
        with pytest.raises(NewsletterError, match="no longer exists"):
            block_forms.read_values(
                row, QueryDict(f"block_segment={secret.pk}"), publication.pk, scope
            )
        row.segment = chosen
        values = block_forms.read_values(
            row, QueryDict(f"block_segment={chosen.pk}"), publication.pk, scope
        )
        assert values["segment"] == chosen
        offered = block_forms.context(row, [], publication.pk, scope)["segments"]
        assert offered == [(chosen.pk, "Kept")]
        offered = block_forms.context(row, [], publication.pk, EVERYTHING)["segments"]
        assert (secret.pk, SECRET) in offered
    data = {"what": "latest", "segment": secret.pk}
    browser.post(addresses[1], data)
    assert not Issue.objects.filter(segment=secret).exists()


def test_sources_of_the_publication_are_not_theirs(
    browser: Client, own: Newsletter, foreign_issue: Issue
) -> None:
    """They see those of their newsletter, and add, attach and delete none."""
    harbour = make_source(own, title="Harbour news")
    make_source(foreign_issue.newsletter, title=SECRET)
    unused = make_source(title=SECRET, publication_id=own.publication_id)
    address = f"/admin/newsletter/{own.pk}/"
    page = browser.get(address).content.decode()
    assert ("Harbour news" in page, SECRET in page) == (True, False)
    assert "sources-url" not in page
    ids = set(Source.objects.values_list("pk", flat=True))
    url = "https://courier.example/other.xml"
    forms: list[dict[str, Any]] = [
        {"sources-sources": [harbour.pk, unused.pk]},
        {"sources-sources": []},
        {"sources-sources": [harbour.pk], "sources-url": url},
    ]
    for values in forms:
        assert browser.post(f"{address}sources/", values).status_code == 403
    assert set(Source.objects.values_list("pk", flat=True)) == ids
    assert list(own.sources.all()) == [harbour]
    owner = browser_of(make_member(own.publication, email="ada@courier.example"))
    owner.post(f"{address}sources/", {"sources-sources": [harbour.pk, unused.pk]})
    assert set(own.sources.all()) == {harbour, unused}


def test_appeals_of_the_publication_are_not_theirs(browser: Client, own: Newsletter) -> None:
    """Neither shown nor taken; a block keeps the one that it has, or shows nothing."""
    sponsor, secret = (
        make_appeal(own.publication, kind="sponsor", name=name, heading=name)
        for name in ("Kept", SECRET)
    )
    issue = make_issue(own, state="draft", slot=NOON.replace(year=2099))
    make_story(issue)
    block = make_block(issue, "sponsor", appeal=sponsor)
    address = f"/admin/issues/{issue.pk}/"
    for path in (address, f"{address}editor/"):
        page = browser.get(path).content.decode()
        assert ("Kept" in page, SECRET in page) == (True, False)
    for appeal, expected in ((secret, sponsor), (sponsor, sponsor), (None, None)):
        block.refresh_from_db()
        values = {
            "block": block.pk,
            "version": block.version,
            "appeal": appeal.pk if appeal else "",
        }
        browser.post(f"{address}change_block/", values)
        block.refresh_from_db()
        assert block.appeal == expected


def test_series_of_their_newsletter_are_theirs(
    browser: Client, own: Newsletter, foreign_issue: Issue
) -> None:
    """Created, changed, switched; of segments they see the one that a step has already."""
    times = {"created_at": NOON, "changed_at": NOON}
    chosen, secret = (
        Segment.objects.create(publication=own.publication, name=name, rules=RULES, **times)
        for name in ("Kept", SECRET)
    )
    values = {"newsletter": own.pk, "name": "Welcome", "trigger": "sign_up"}
    browser.post("/admin/series/", values)
    series = Series.objects.get(newsletter=own)
    address, step = f"/admin/series/{series.pk}/", series.steps.get()
    step_address = f"/admin/series/steps/{step.pk}/"
    assert "Save settings" in browser.get(address).content.decode()
    form = {"delay": 1, "unit": "days", "otherwise": "skip", "condition": "segment"}
    browser.post(step_address, form | {"segment": secret.pk})
    assert Step.objects.get(pk=step.pk).segment is None
    Step.objects.filter(pk=step.pk).update(condition="segment", segment=chosen)
    page = browser.get(step_address).content.decode()
    assert ("Kept" in page, SECRET in page) == (True, False)
    browser.post(step_address, form | {"segment": chosen.pk})
    step = Step.objects.get(pk=step.pk)
    assert (step.segment, step.delay_minutes) == (chosen, 24 * 60)
    browser.post(f"{step_address}publish/")
    browser.post(f"{address}switch/", {"active": 1, "mails": 0})
    assert Series.objects.get(pk=series.pk).active
    foreign_series = make_series(foreign_issue.newsletter)
    assert browser.get(f"/admin/series/{foreign_series.pk}/").status_code == 404
    assert browser.post(f"/admin/series/{foreign_series.pk}/switch/").status_code == 404
    assert Series.objects.get(pk=foreign_series.pk).active
