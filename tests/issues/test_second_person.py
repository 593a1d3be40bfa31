"""Two-person approval: nobody alone lets out what they changed, wherever they changed it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from digest.accounts import tokens
from digest.accounts.models import User
from digest.accounts.scopes import Scope
from digest.issues import approval, creating, editing, scheduling
from digest.issues.errors import ApprovalError
from digest.issues.models import Issue
from digest.newsletters import contributions
from digest.newsletters.choices import BlockKind
from digest.newsletters.models import Appeal, Newsletter
from digest.sending import planning
from digest.sending.compiling import compiled_for
from digest.subscribers.segments import saving
from tests.cast.accounts import browser_of
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_block, make_issue, make_story
from tests.cast.newsletters import make_appeal, make_member, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BROTHERS = {"match": "all", "rules": [{"field": "tag", "operator": "is", "value": "brother"}]}
State = Issue.State


def member(name: str, newsletter: Newsletter, role: str = "owner") -> User:
    """Somebody of the newsletter's team."""
    return make_member(newsletter.publication, role, email=f"{name}@courier.example")


@pytest.fixture
def newsletter() -> Newsletter:
    """The Morning Tide, whose issues a second person approves."""
    newsletter = make_newsletter(slug="tide", approval="other")
    make_source(newsletter, title="Courier")
    return newsletter


@pytest.fixture
def appeal(newsletter: Newsletter) -> Appeal:
    """What the issue carries."""
    return make_appeal(newsletter.publication)


@pytest.fixture
def issue(newsletter: Newsletter, appeal: Appeal) -> Issue:
    """A draft for one o'clock."""
    donors = saving.create(newsletter.publication, "Donors", {"rules": []}, NOON)
    issue = make_issue(newsletter, state=State.DRAFT, slot=NOON + HOUR, segment=donors)
    make_block(issue, BlockKind.APPEAL, appeal=appeal)
    make_story(issue, article=make_article())
    make_story(issue, article=make_article())
    return issue


@pytest.fixture
def ada(newsletter: Newsletter) -> User:
    """An owner."""
    return member("ada", newsletter)


@pytest.fixture
def ben(newsletter: Newsletter) -> User:
    """Another one."""
    return member("ben", newsletter)


def press(user: User, path: str, **data: Any) -> int:
    """Post a form of the console; return the status of the answer."""
    client = browser_of(user)
    return client.post(f"/admin/{path}", data).status_code


def call(user: User, method: str, path: str, body: dict[str, Any], *scopes: str) -> int:
    """Call the API with a token of this user; return the status of the answer."""
    name = f"{user.pk}-{user.tokens.count()}"
    newsletter = Newsletter.objects.get()
    _, secret = tokens.create(
        name, user, scopes or list(Scope), now=NOON, publication_id=newsletter.publication_id
    )
    response = Client().generic(
        method,
        f"/api/v1{path}",
        "" if method == "DELETE" else json.dumps(body),
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    return response.status_code


def approve(issue: Issue, by: User) -> Issue:
    """Approve the issue as it is now."""
    issue = Issue.objects.get(pk=issue.pk)
    return approval.approve(issue, issue.revision, by, NOON)


def refused(issue: Issue, by: User) -> None:
    """Check that this person cannot approve alone: not in the console, not by the API."""
    with pytest.raises(ApprovalError, match="somebody else"):
        approve(issue, by)
    issue.refresh_from_db()
    press(by, f"issues/{issue.pk}/approve/", revision=issue.revision)
    path = f"/issues/{issue.pk}/approve"
    assert call(by, "POST", path, {"revision": issue.revision}) == 409
    issue.refresh_from_db()
    assert (issue.state, issue.approved_hash) == (State.DRAFT, "")
    with pytest.raises(ApprovalError):
        scheduling.send_now(issue, issue.revision, NOON)


def card(name: str, /, **fields: Any) -> dict[str, Any]:
    """The fields of a card as its form sends them."""
    return {f"{name}-{field}": value for field, value in fields.items()}


def change_texts(user: User, tide: Newsletter, _appeal: Appeal | None = None) -> int:
    """Change the newsletter's preview text in the console."""
    form = card("texts", subject="Today", preheader="Vote for my brother")
    return press(user, f"newsletter/{tide.pk}/texts/", **form)


def change_links(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Track the links."""
    values = {"review_minutes": 0, "undo_seconds": 0, "uncertain": "hold", "redirect_links": "on"}
    form = card("approval", approval="other", **values)
    return press(user, f"newsletter/{tide.pk}/approval/", **form)


def change_layout(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Change a block's title in the console."""
    number = tide.layout.get(kind="latest").pk
    form = card(f"block-{number}", title="My brother", max_stories=3, kind="latest")
    return press(user, f"newsletter/{tide.pk}/layout/{number}/", **form)


def change_publication(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Change the publication's name."""
    form = {"name": "Brother", "url": "https://brother.example", "postal_address": "1 Quay Street"}
    return press(user, f"publication/{tide.publication_id}/name/", **form)


def change_design(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Change the publication's logo."""
    form = {"logo_url": "https://brother.example/me.png", "logo_width": 300}
    form |= {"accent": "#112233", "accent_dark": "#aabbcc", "background": "warm"}
    form |= {"fonts": "classic", "corner": "soft", "density": "comfortable"}
    return press(user, f"publication/{tide.publication_id}/looks/", **form)


def change_appeal(user: User, tide: Newsletter, appeal: Appeal) -> int:
    """Change the appeal's words."""
    form = {"publication": tide.publication_id, "heading": "Give", "body": "To my brother"}
    form |= {"button": "Give", "url": "https://brother.example", "starts_at": "2026-01-01T00:00"}
    form |= {"kind": "appeal", "style": "box", "priority": 0, "weight": 1}
    return press(user, f"appeals/{appeal.pk}/", **form)


def delete_appeal(user: User, _tide: Newsletter, appeal: Appeal) -> int:
    """Delete the appeal, and with it a part of the mail."""
    return press(user, f"appeals/{appeal.pk}/delete/")


def pick(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Feature an article in the next issue."""
    article = make_article(tide.sources.get())
    return press(user, f"article/{article.pk}/feature/", newsletter="tide")


def call_pick(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """The same by the API."""
    article = make_article(tide.sources.get())
    return call(user, "POST", "/newsletters/tide/picks", {"article": article.pk})


def change_segment(user: User, tide: Newsletter, _appeal: Appeal) -> int:
    """Change the rules by which the issue's subscribers are selected."""
    form = {"name": "Donors", "rules": json.dumps(BROTHERS)}
    return press(user, f"segments/{tide.publication.segments.get().pk}/", **form)


Change = Callable[[User, Newsletter, Appeal], int]
CHANGES: dict[str, Change] = {
    "texts": change_texts,
    "name": lambda user, tide, _: press(
        user, f"newsletter/{tide.pk}/name/", **card("name", name="The Tide", language="")
    ),
    "state": lambda user, tide, _: press(user, f"newsletter/{tide.pk}/state/", state="private"),
    "sources": lambda user, tide, _: press(user, f"newsletter/{tide.pk}/sources/"),
    "links": change_links,
    "block": change_layout,
    "publication": change_publication,
    "design": change_design,
    "appeal": change_appeal,
    "appeal deleted": delete_appeal,
    "pick": pick,
    "segment": change_segment,
    "API segment": lambda user, tide, _: call(
        user, "PATCH", f"/segments/{tide.publication.segments.get().pk}", {"rules": BROTHERS}
    ),
    "API pick": call_pick,
    "API newsletter": lambda user, _, __: call(
        user, "PATCH", "/newsletters/tide", {"preheader": "Vote for my brother"}
    ),
    "API block": lambda user, _, __: call(
        user, "POST", "/newsletters/tide/layout", {"kind": "picked", "title": "My brother"}
    ),
    "API block's title": lambda user, tide, _: call(
        user,
        "PATCH",
        f"/newsletters/tide/layout/{tide.layout.get(kind='latest').pk}",
        {"title": "Brother"},
    ),
    "API source": lambda user, _, __: call(
        user, "POST", "/sources", {"newsletter": "tide", "pushed": True}
    ),
    "API source removed": lambda user, tide, _: call(
        user, "DELETE", f"/newsletters/tide/sources/{tide.sources.get().pk}", {}
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_approves_a_change_of_their_own(
    name: str, issue: Issue, newsletter: Newsletter, appeal: Appeal, ada: User, ben: User
) -> None:
    """Whatever of the mail they changed, and by whichever way; somebody else does."""
    assert CHANGES[name](ada, newsletter, appeal) in {200, 201, 204, 302}
    refused(issue, ada)
    assert approve(issue, ben).state == State.BUILT


def test_what_is_not_in_a_mail_is_not_a_contribution(
    issue: Issue, newsletter: Newsletter, ada: User
) -> None:
    """A schedule, the seconds of “Undo”, a segment's name, or a form that was saved as it was."""
    path = f"newsletter/{newsletter.pk}"
    form = card("schedule", way="manual", timezone="UTC")
    assert press(ada, f"{path}/schedule/", **form) == 302
    names = ("approval", "review_minutes", "uncertain")
    values = {name: getattr(newsletter, name) for name in names}
    assert press(ada, f"{path}/approval/", **card("approval", undo_seconds=9, **values)) == 302
    texts = {"subject": newsletter.subject, "preheader": newsletter.preheader}
    assert press(ada, f"{path}/texts/", **card("texts", **texts)) == 302
    assert issue.segment
    segment = {"name": "Those who gave", "rules": json.dumps(issue.segment.rules)}
    assert press(ada, f"segments/{issue.segment.pk}/", **segment) == 302
    newsletter.refresh_from_db()
    assert newsletter.undo_seconds == 9
    assert approve(issue, ada).state == State.BUILT


def test_a_retraction_before_it_goes_out_is_a_change(issue: Issue, ada: User, ben: User) -> None:
    """It takes a story out of an approved mail, and its author does not approve that."""
    make_subscriber(issue.newsletter)
    approve(issue, ben)
    story = issue.stories.order_by("position")[0]
    assert press(ada, f"issues/{issue.pk}/retract/", story=story.pk, note="Wrong") == 302
    assert planning.plan_built(NOON + HOUR) == []
    refused(issue, ada)
    assert approve(issue, ben).state == State.BUILT


def test_an_edit_counts_until_somebody_else_approves(issue: Issue, ada: User, ben: User) -> None:
    """That Ben pinned a story after Ada's change does not let Ada approve her own: both do."""
    issue = editing.change_texts(issue, 1, ada, subject="Vote for my brother")
    story = issue.stories.order_by("position")[0]
    issue = editing.pin(issue, 2, story.pk, ben, pinned=True)
    half = approve(issue, ada)
    assert (half.state, half.approved_hash) == (State.DRAFT, "")
    assert approval.is_needed(half)
    second = approve(issue, ada)  # twice is not two people
    assert (second.state, second.approved_hash) == (State.DRAFT, "")
    with pytest.raises(ApprovalError):
        scheduling.send_now(half, half.revision, NOON)
    whole = approve(issue, ben)
    assert (whole.state, whole.approved_by) == (State.BUILT, ben)
    assert whole.contributors == []


def test_half_an_approval_is_of_one_content(issue: Issue, ada: User, ben: User) -> None:
    """A change after the first of two approvals takes it away."""
    issue = editing.change_texts(issue, 1, ada, subject="Good")
    issue = editing.change_texts(issue, 2, ben, subject="Better")
    approve(issue, ada)
    issue.refresh_from_db()
    issue = editing.change_texts(issue, issue.revision, ben, subject="Vote for Ben's brother")
    assert approve(issue, ben).approved_hash == ""
    assert approve(issue, ada).approved_by == ada


def test_the_page_says_that_another_is_needed(issue: Issue, ada: User, ben: User) -> None:
    """Instead of a button that would not work; who may approve has the button."""
    editing.change_texts(issue, 1, ada, subject="Mine")
    pages = []
    for user in (ada, ben):
        client = browser_of(user)
        pages.append(client.get(f"/admin/issues/{issue.pk}/").content.decode())
    assert "You changed what this issue contains" in pages[0]
    assert "You changed what this issue contains" not in pages[1]
    assert f"/admin/issues/{issue.pk}/approve/" not in pages[0]
    assert f"/admin/issues/{issue.pk}/approve/" in pages[1]


def test_somebody_who_changed_nothing_approves_alone(
    issue: Issue, newsletter: Newsletter, ada: User, ben: User
) -> None:
    """Whoever else worked on it."""
    issue = editing.change_texts(issue, 1, ada, subject="Good")
    issue = editing.change_texts(issue, 2, ben, subject="Better")
    assert approve(issue, member("cleo", newsletter, "editor")).state == State.BUILT


def test_whoever_created_an_issue_does_not_approve_it(
    newsletter: Newsletter, ada: User, ben: User
) -> None:
    """Choosing its stories is a change like any other."""
    issue = creating.create_issue(newsletter, "key", ada, NOON, articles=[make_article()])
    with pytest.raises(ApprovalError):
        approve(issue, ada)
    assert approve(issue, ben).approved_by == ben


def test_later_issues_need_no_second_look_at_what_was_approved(
    issue: Issue, newsletter: Newsletter, ada: User, ben: User
) -> None:
    """Once Ben approved an issue with Ada's preview text, Ada approves the next one that has it."""
    contributions.note(ada, newsletter)
    Issue.objects.filter(pk=issue.pk).update(built_at=NOON + HOUR)  # after her change
    approve(issue, ben)
    following = make_issue(newsletter, state=State.DRAFT, slot=NOON + 2 * HOUR)
    make_story(following)
    assert approve(following, ada).state == State.BUILT


def test_an_earlier_issue_says_nothing_of_a_later_source(
    newsletter: Newsletter, issue: Issue, ada: User, ben: User
) -> None:
    """Ada adds her feed after an issue was built: Ben's approval of that one is not of her feed."""
    contributions.note(ada, newsletter)  # at noon, when the issue was built
    approve(issue, ben)
    following = make_issue(newsletter, state=State.DRAFT, slot=NOON + 2 * HOUR)
    make_story(following)
    with pytest.raises(ApprovalError):
        approve(following, ada)


def test_an_approval_by_one_is_none_by_two(newsletter: Newsletter, issue: Issue, ada: User) -> None:
    """Raising the policy takes away what one person approved alone."""
    make_subscriber(newsletter)
    Newsletter.objects.update(approval="one")
    issue = editing.change_texts(issue, 1, ada, subject="Mine")
    assert approve(issue, ada).state == State.BUILT
    Newsletter.objects.update(approval="other")
    assert planning.plan_built(NOON + HOUR) == []
    issue.refresh_from_db()
    assert issue.state == State.DRAFT


def test_an_approved_issue_waits_again_when_its_newsletter_changes(
    newsletter: Newsletter, issue: Issue, ada: User, ben: User
) -> None:
    """Ben approves, Ada changes the preview text, and Ada cannot approve it again."""
    make_subscriber(newsletter)
    approve(issue, ben)
    assert change_texts(ada, newsletter) == 302
    assert planning.plan_built(NOON + HOUR) == []
    refused(issue, ada)


# --- the policy ------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["none", "one"])
@pytest.mark.parametrize(("role", "status"), [("editor", 403), ("owner", 302)])
def test_the_policy_is_an_owners(
    newsletter: Newsletter, policy: str, role: str, status: int
) -> None:
    """An editor who switches it off is refused."""
    values = {"review_minutes": 5, "undo_seconds": 5, "uncertain": "hold"}
    user, path = member("eve", newsletter, role), f"newsletter/{newsletter.pk}/approval/"
    assert press(user, path, **card("approval", approval=policy, **values)) == status
    newsletter.refresh_from_db()
    assert newsletter.approval == (policy if status == 302 else "other")


def test_an_editor_changes_the_rest_of_the_card(newsletter: Newsletter) -> None:
    """A browser does not send the field that is fixed; the page says whose it is."""
    eve, path = member("eve", newsletter, "editor"), f"newsletter/{newsletter.pk}/"
    values = {"review_minutes": 5, "undo_seconds": 5, "uncertain": "hold"}
    assert press(eve, f"{path}approval/", **card("approval", **values)) == 302
    newsletter.refresh_from_db()
    assert (newsletter.approval, newsletter.review_minutes) == ("other", 5)
    client = browser_of(eve)
    assert "Only an owner can change this." in client.get(f"/admin/{path}").content.decode()


def test_a_token_that_may_not_approve_does_not_relax_the_policy(
    newsletter: Newsletter, ada: User
) -> None:
    """Nor does one whose owner does not own the publication; raising it is open to all."""
    path, writing = "/newsletters/tide", Scope.NEWSLETTERS_WRITE
    eve = member("eve", newsletter, "editor")
    assert call(ada, "PATCH", path, {"approval": "none"}, writing) == 403
    assert call(eve, "PATCH", path, {"approval": "none"}) == 403
    assert call(eve, "PATCH", path, {"approval": "one", "description": "x"}) == 403
    newsletter.refresh_from_db()
    assert (newsletter.approval, newsletter.description) == ("other", "")
    assert call(ada, "PATCH", path, {"approval": "one"}, writing, Scope.ISSUES_APPROVE) == 200
    assert call(ada, "PATCH", path, {"approval": "other"}, writing) == 200


# --- what is approved is what goes out -------------------------------------------------


def test_a_mail_is_compiled_again_when_its_words_change(issue: Issue, ada: User) -> None:
    """A preview made before the preview text was corrected is not what is sent."""
    Newsletter.objects.update(approval="one")
    issue = Issue.objects.get(pk=issue.pk)
    assert compiled_for(issue).preheader != "By the way"
    Newsletter.objects.update(preheader="By the way")
    issue = Issue.objects.get(pk=issue.pk)
    assert approve(issue, ada).state == State.BUILT
    make_subscriber(issue.newsletter)
    for _round in range(2):
        planning.plan_built(NOON + HOUR)
    issue.refresh_from_db()
    assert issue.state == State.SENDING
    assert compiled_for(issue).preheader == "By the way"


def test_a_mail_being_sent_stays_as_it_is(issue: Issue) -> None:
    """What is changed while an issue goes out is for the next one."""
    Newsletter.objects.update(approval="none")
    make_subscriber(issue.newsletter)
    Issue.objects.update(state=State.BUILT)
    (sending,) = planning.plan_built(NOON + HOUR)
    Newsletter.objects.update(preheader="By the way")
    sending = Issue.objects.get(pk=sending.pk)
    assert "By the way" not in compiled_for(sending).html()
    assert sending.revision == issue.revision
