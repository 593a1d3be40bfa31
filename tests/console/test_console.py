"""The console's pages: who may open them, what they show, and what their buttons do."""

import json
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django.fixtures import Settings

from digest.accounts.models import User
from digest.console import charts, tables
from digest.console import subscribers as subscribers_pages
from digest.console.issues.actions import VERBS
from digest.core import clock
from digest.issues.models import Issue
from digest.newsletters.models import Appeal, Newsletter
from digest.relays.models import Relay
from digest.sending.models import Delivery
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_running, make_story
from tests.cast.newsletters import make_newsletter, make_schedule
from tests.cast.pictures import make_picture
from tests.cast.relays import make_paused_domain
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.console.forms import APPEAL
from tests.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db
State = Issue.State
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def issue(settings: Settings) -> Issue:
    """A draft of three stories for two subscribers."""
    settings.DIGEST_SMTP_URL = "smtp://127.0.0.1:1"
    issue = make_issue(
        make_newsletter(approval="one"), state=State.DRAFT, slot=NOON.replace(year=2099)
    )
    for number in range(3):
        make_story(issue, title=f"Story {number}", article=make_article())
    for _ in range(2):
        make_subscriber(issue.newsletter)
    return issue


def press(client: Client, issue: Issue, verb: str, **form: object) -> str:
    """Press a button of the console; return what is said."""
    issue.refresh_from_db()
    form_data = {"revision": issue.revision} | form
    answer = client.post(f"/admin/issues/{issue.pk}/{verb}/", form_data, follow=True)
    assert answer.status_code == 200
    issue.refresh_from_db()
    return " ".join(str(message) for message in answer.context["messages"])


def titles(issue: Issue) -> list[str]:
    """Headlines in order."""
    return list(issue.stories.order_by("position").values_list("title", flat=True))


# --- who may ---------------------------------------------------------------------------


def test_nothing_of_a_form_is_done_without_its_token(ada: User, issue: Issue) -> None:
    """Another site's form in an editor's browser."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    answer = strict.post(f"/admin/issues/{issue.pk}/skip/", {"revision": 1})
    assert answer.status_code == 403
    issue.refresh_from_db()
    assert issue.state == State.DRAFT


def test_looking_changes_nothing(ada_client: Client, issue: Issue) -> None:
    """GET on a button is refused."""
    for verb in VERBS:
        assert ada_client.get(f"/admin/issues/{issue.pk}/{verb}/").status_code == 405


# --- the pages of an issue -----------------------------------------------------------------


def test_the_issue_page_shows_an_issue_and_what_it_waits_for(
    ada_client: Client, issue: Issue
) -> None:
    """Stories with the reason of each, how many subscribers, and the next button."""
    page = ada_client.get(f"/admin/issues/{issue.pk}/").content.decode()
    for text in ("Story 0", "latest", "2 subscribers", "Approve", "GMT", "if approved"):
        assert text in page
    assert "Draft: ready for review, goes out" in page
    assert "Send to" not in page


def test_stories_are_moved_dropped_added_and_reworded(ada_client: Client, issue: Issue) -> None:
    """Each button says what is so now."""
    first, second, third = issue.stories.order_by("position")
    press(ada_client, issue, "move", story=third.pk, block=third.block_id, to=0)
    assert titles(issue) == ["Story 0", "Story 2", "Story 1"]
    press(ada_client, issue, "move", story=third.pk, block=third.block_id, to=2)
    assert titles(issue) == ["Story 0", "Story 1", "Story 2"]
    assert "Left out" in press(ada_client, issue, "remove", story=first.pk)
    press(ada_client, issue, "add", article=first.article_id)
    press(ada_client, issue, "reword", story=second.pk, title="Another", summary="", image_url="")
    assert titles(issue)[:2] == ["Another", "Story 2"]
    press(ada_client, issue, "pin", story=second.pk, pinned="1")
    assert issue.stories.get(pk=second.pk).pinned
    press(ada_client, issue, "subject", subject="Ours", preheader="Look")
    assert (issue.own_subject, issue.own_preheader) == ("Ours", "Look")


def test_a_picture_of_the_library_is_chosen_for_a_story(ada_client: Client, issue: Issue) -> None:
    """The form has it from then on."""
    library = make_picture(issue.newsletter.publication)
    story = issue.stories.order_by("position")[0]
    press(ada_client, issue, "reword", story=story.pk, image_url="", picture=library.uuid)
    story.refresh_from_db()
    assert story.picture == library
    page = ada_client.get(f"/admin/issues/{issue.pk}/").content.decode()
    assert f'<input type="hidden" name="picture" value="{library.uuid}" data-picture>' in page


def test_who_pressed_on_an_old_page_is_told_so(ada_client: Client, issue: Issue) -> None:
    """Nothing of it is done."""
    first = issue.stories.order_by("position").first()
    assert first is not None
    press(ada_client, issue, "pin", story=first.pk, pinned="1")
    assert "meanwhile" in press(ada_client, issue, "remove", story=first.pk, revision=1)
    assert "out of date" in press(ada_client, issue, "remove", story="x")
    assert len(titles(issue)) == 3


def test_an_issue_is_approved_sent_held_back_and_paused(ada_client: Client, issue: Issue) -> None:
    """The whole way, by its buttons."""
    assert "approved first" in press(ada_client, issue, "send")
    assert "Approved" in press(ada_client, issue, "approve")
    page = ada_client.get(f"/admin/issues/{issue.pk}/").content.decode()
    assert "Send to 2 now" in page
    assert "Sending starts" in press(ada_client, issue, "send")
    assert "Undo" in ada_client.get(f"/admin/issues/{issue.pk}/").content.decode()
    assert "nobody has received it" in press(ada_client, issue, "undo")
    at = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert "it goes out" in press(ada_client, issue, "schedule", at=at)
    assert "Choose a day" in press(ada_client, issue, "schedule", at="soon")
    Issue.objects.filter(pk=issue.pk).update(state=State.SENDING, planned_at=NOON)
    assert "Paused" in press(ada_client, issue, "pause")
    assert "Resumed" in press(ada_client, issue, "resume")
    story = issue.stories.first()
    assert story is not None
    assert "was retracted" in press(ada_client, issue, "retract", story=story.pk, note="Wrong.")
    assert "Cancelled" in press(ada_client, issue, "cancel")


def test_a_scheduled_issue_says_when_and_can_be_moved_and_unscheduled(
    ada_client: Client, issue: Issue
) -> None:
    """In the publication's zone, with how many receive it."""
    address = f"/admin/issues/{issue.pk}/"
    assert "if approved" in press(ada_client, issue, "schedule", at="2027-01-05T06:30")
    assert (
        "Tue 05 Jan 2027, 06:30 GMT</time> if approved" in ada_client.get(address).content.decode()
    )
    press(ada_client, issue, "approve")
    page = ada_client.get(address).content.decode()
    for text in ("Scheduled for", "Unschedule", "Change time", "Europe/London", "2 subscribers"):
        assert text in page
    assert 'value="2027-01-05T06:30"' in page
    press(ada_client, issue, "schedule", at="2027-01-05T07:45")
    assert "07:45 GMT</time>" in ada_client.get(address).content.decode()
    assert "is a draft until somebody sends it" in press(ada_client, issue, "unschedule")
    page = ada_client.get(address).content.decode()
    assert "Draft: goes out when somebody sends it" in page
    assert "Send to 2 now" in page
    assert "Change time" not in page


def test_skipping_asks_and_can_be_taken_back(ada_client: Client, issue: Issue) -> None:
    """With what becomes of the issue; one that is approved is scheduled again."""
    address = f"/admin/issues/{issue.pk}/"
    press(ada_client, issue, "approve")
    assert "Skip this issue …" in ada_client.get(address).content.decode()
    assert "You can restore it" in press(ada_client, issue, "skip")
    page = ada_client.get(address).content.decode()
    assert "Skipped: was planned for" in page
    assert "The issue then goes to" in page
    assert "Restored. It goes out" in press(ada_client, issue, "restore")
    press(ada_client, issue, "skip")
    Issue.objects.update(slot=NOON - timedelta(days=1))
    assert "The issue becomes a draft" in ada_client.get(address).content.decode()
    assert "Restored as a draft" in press(ada_client, issue, "restore")
    assert issue.on_hold


def test_preflight_shows_findings_their_places_and_a_field_to_fix_them(
    ada_client: Client, issue: Issue
) -> None:
    """The page loads them; a description that is saved settles its finding."""
    first, second, _ = issue.stories.order_by("position")
    issue.stories.exclude(pk=first.pk).update(
        image_url="https://courier.example/a.jpg", image_alt=""
    )
    address = f"/admin/issues/{issue.pk}/"
    assert f'hx-get="{address}preflight/"' in ada_client.get(address).content.decode()
    part = ada_client.get(f"{address}preflight/").content.decode()
    for text in ("2 pictures have no description.", f"#story-{second.pk}", "checks passed"):
        assert text in part
    assert "were not checked since the last change" in part
    assert "The descriptions were saved" in press(
        ada_client, issue, "describe", **{f"alt-{second.pk}": "Seals on a quay"}
    )
    second.refresh_from_db()
    assert (second.image_alt, second.edited) == ("Seals on a quay", True)
    assert (
        "1 picture has no description." in ada_client.get(f"{address}preflight/").content.decode()
    )
    assert "at least one" in press(ada_client, issue, "describe", alt="x")


def test_a_test_of_this_very_issue_is_sent(
    ada_client: Client, issue: Issue, settings: Settings
) -> None:
    """As it is on the ada_client, marked, and without a trace."""
    press(ada_client, issue, "subject", subject="Only here", preheader="")
    with SmtpServer() as server:
        settings.DIGEST_SMTP_URL = server.url
        assert "on its way" in press(ada_client, issue, "test", to="ada@courier.example")
        assert "not a valid email address" in press(ada_client, issue, "test", to="nobody")
    (message,) = server.received
    mail = message_from_bytes(message.data, policy=policy.default)
    assert (mail["Subject"], mail["To"]) == ("[Test] Only here", "ada@courier.example")
    assert not Delivery.objects.exists()


def test_the_mail_is_shown_as_it_would_arrive(ada_client: Client, issue: Issue) -> None:
    """Its HTML in a sandbox, its text, its source; a subscriber's own."""
    subscriber = issue.newsletter.subscriptions.first()
    assert subscriber is not None
    base = f"/admin/issues/{issue.pk}/preview"
    html = ada_client.get(f"{base}/html/")
    assert html["Content-Security-Policy"].startswith("sandbox;")
    assert b"Story 1" in html.content
    assert "Story 1" in ada_client.get(f"{base}/text/").content.decode()
    source = ada_client.get(
        f"{base}/source/", {"subscriber": subscriber.subscriber.email}
    ).content.decode()
    assert f"To: {subscriber.subscriber.email}" in source
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in source
    assert ada_client.get(f"{base}/nonsense/").status_code == 404
    Newsletter.objects.update(subject="{{ 1 / 0 }}")
    Issue.objects.update(revision=7, subject="")
    assert ada_client.get(f"{base}/html/")["Content-Type"].startswith("text/plain")


def test_what_moves_is_told_in_numbers_that_add_up(ada_client: Client) -> None:
    """For the page that asks every other second."""
    issue = make_running(4)
    Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(
        state=Delivery.State.SENT, settled_at=NOON
    )
    part = ada_client.get(f"/admin/issues/{issue.pk}/progress/")
    numbers = {name: number for name, _, number in part.context["progress"]["counts"]}
    assert (numbers["eligible"], numbers["sent"], numbers["queued"]) == (4, 1, 3)
    for text in ('data-count="sent">1<', 'data-count="queued">3<', 'aria-valuenow="25"'):
        assert text in part.content.decode()
    assert b"1 of 4" in ada_client.get("/admin/home/sending/").content


def test_a_page_that_is_out_of_date_is_reloaded(ada_client: Client) -> None:
    """When the state is another than the page shows, or other issues go out."""
    issue = make_running(1)
    part = f"/admin/issues/{issue.pk}/progress/"
    assert not ada_client.get(part, {"state": "sending"}).has_header("HX-Refresh")
    assert ada_client.get(part, {"state": "built"})["HX-Refresh"] == "true"
    query = {"issues": f"{issue.pk}-sending"}
    assert not ada_client.get("/admin/home/sending/", query).has_header("HX-Refresh")
    assert ada_client.get("/admin/home/sending/", {"issues": ""})["HX-Refresh"] == "true"


def test_an_issue_is_started_once_for_each_form(ada_client: Client, issue: Issue) -> None:
    """Pressed twice, it is one."""
    make_article(make_source(issue.newsletter), available_at=clock.now() - timedelta(hours=1))
    for _ in range(2):
        answer = ada_client.post(
            f"/admin/issues/new/{issue.newsletter_id}/", {"key": "wish"}, follow=True
        )
        assert b"waits for approval, then for somebody to send it" in answer.content
    assert Issue.objects.filter(kind="manual").count() == 1


# --- Home ------------------------------------------------------------------------------


def test_home_of_an_empty_house_says_what_to_do_first(ada_client: Client) -> None:
    """The first run."""
    assert b"Set up your publication" in ada_client.get("/admin/").content


def test_home_shows_what_comes_goes_and_needs_someone(ada_client: Client, issue: Issue) -> None:
    """Each trouble with its button, which works."""
    make_schedule(issue.newsletter)
    running = make_running(2)
    paused = make_running(1)
    Issue.objects.filter(pk=paused.pk).update(state=State.PAUSED, reason="It broke.")
    relay = Relay.objects.create(name="main", down_since=NOON, problem="refused")
    wall = make_paused_domain(relay)
    page = ada_client.get("/admin/").content.decode()
    for text in ("Sending now", "Needs attention", "It broke.", "wall.example", "is down", "in "):
        assert text in page
    ada_client.post("/admin/home/resume/", {"key": paused.pk})
    paused.refresh_from_db()
    assert paused.state == State.SENDING
    ada_client.post("/admin/home/lift/", {"key": wall.pk})
    wall.refresh_from_db()
    assert wall.until <= clock.now()
    assert ada_client.post("/admin/home/nonsense/", {"key": 1}).status_code == 404
    assert running.state == State.SENDING


def test_colors_are_explained_where_there_are_several() -> None:
    """A legend beside two colors; one color needs none."""
    several = charts.bars([("a", 3, 1)], "Mails", ("passed", "failed"))
    single = charts.line([("a", 3, 1)], "Subscribers")
    assert several
    assert single
    legends = [json.loads(row.options)["plugins"]["legend"] for row in (several, single)]
    assert [legend["display"] for legend in legends] == [True, False]


def test_charts_say_in_words_what_they_show() -> None:
    """Nothing for nothing; labels are escaped."""
    assert charts.bars([], "Nothing") is None
    assert charts.line([("a", 0, 0)], "Nothing") is None
    bars = charts.bars([(EVIL, 3, 1), ("b", 2, 0)], "Recent issues")
    drawn = render_to_string("console/components/chart.html", {"chart": bars})
    assert "At most 4 recipients." in drawn
    assert "<td>3</td><td>1</td>" in drawn
    assert "<script>" not in drawn
    line = charts.line([("a", 3, 1), ("b", 2, 0)], "Subscribers")
    assert line
    assert json.loads(line.data)["datasets"][0]["data"] == [2, 4]
    assert line.summary == "5 joined, 1 left."


# --- subscribers ---------------------------------------------------------------------------


def test_a_subscriber_is_found_and_their_story_told(ada_client: Client) -> None:
    """By the beginning of their address; every mail with the server's words."""
    issue = make_running(1)
    row = Delivery.objects.select_related("subscriber").get()
    subscriber = row.subscriber
    assert subscriber is not None
    Delivery.objects.update(
        state=Delivery.State.FAILED, settled_at=NOON, reply_code=550, reply="5.1.1 nobody"
    )
    page = ada_client.get(
        "/admin/subscribers/", {"q": subscriber.email[:6].upper()}
    ).content.decode()
    assert subscriber.email in page
    assert b"Nothing matches." in ada_client.get("/admin/subscribers/", {"q": "zz"}).content
    story = ada_client.get(f"/admin/subscribers/{subscriber.pk}/").content.decode()
    for text in ("550 5.1.1 nobody", "The Morning Tide", "Mon 23 Nov 2026, 12:00 UTC"):
        assert text in story
    left = ada_client.post(
        f"/admin/subscribers/{subscriber.pk}/unsubscribe/",
        {"newsletter": issue.newsletter.slug},
        follow=True,
    )
    assert b"was unsubscribed from" in left.content
    assert subscriber.subscriptions.get().state == "unsubscribed"


def test_deliveries_are_listed_a_page_at_a_time(ada_client: Client) -> None:
    """By state; each once, and none forgotten."""
    issue = make_running(subscribers_pages.PAGE + 3)
    failed_ids = Delivery.objects.values_list("pk", flat=True)[:2]
    Delivery.objects.filter(pk__in=list(failed_ids)).update(
        state=Delivery.State.FAILED, settled_at=NOON, reply="5.1.1 nobody"
    )
    address = f"/admin/issues/{issue.pk}/deliveries/"
    first = ada_client.get(address)
    second = ada_client.get(address + first.context["table"].batch.next_url)
    ids = [row.pk for page in (first, second) for row in page.context["table"].batch.rows]
    assert len(ids) == len(set(ids)) == subscribers_pages.PAGE + 3
    assert second.context["table"].batch.next_url == ""
    first_page = ada_client.get(address + second.context["table"].batch.first_url)
    assert first_page.context["table"].batch.rows == first.context["table"].batch.rows
    failed = ada_client.get(address, {"state": "failed"})
    assert len(failed.context["table"].rows) == 2
    assert b"Failed 2" in failed.content


def test_subscribers_are_paged_by_their_address(ada_client: Client) -> None:
    """The last page says no further."""
    newsletter = make_newsletter()
    for _ in range(tables.PAGE_SIZE + 2):
        make_subscriber(newsletter)
    first = ada_client.get("/admin/subscribers/")
    second = ada_client.get("/admin/subscribers/" + first.context["table"].batch.next_url)
    addresses = [row.title for page in (first, second) for row in page.context["table"].rows]
    assert len(set(addresses)) == tables.PAGE_SIZE + 2
    assert addresses == sorted(addresses)
    assert b"First page" in second.content
    assert b"Next" not in second.content


# --- what strangers wrote --------------------------------------------------------------


def test_what_strangers_wrote_stays_text(ada_client: Client, issue: Issue) -> None:
    """In a headline, a reason, a source's problem: on Home, on the ada_client, in lists."""
    make_story(issue, title=EVIL, summary=EVIL, reason=EVIL, article=make_article(title=EVIL))
    make_source(issue.newsletter, title=EVIL, problem=EVIL, failures=9, next_poll_at=LONG_AGO)
    subscriber = make_subscriber(issue.newsletter, name=EVIL)
    Delivery.objects.create(
        issue=issue, subscriber=subscriber, due_at=NOON, state=4, settled_at=NOON, reply=EVIL
    )
    Issue.objects.update(reason=EVIL, subject=EVIL)
    for address in (
        "/admin/",
        f"/admin/issues/{issue.pk}/?q={EVIL}",
        f"/admin/issues/{issue.pk}/preflight/",
        f"/admin/issues/{issue.pk}/deliveries/",
        f"/admin/subscribers/{subscriber.pk}/",
        "/admin/subscribers/",
        "/admin/issues/",
        "/admin/articles/",
        "/admin/sources/",
    ):
        answer = ada_client.get(address)
        assert answer.status_code == 200
        assert EVIL not in answer.content.decode()
        assert "<script>alert" not in answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert "'unsafe-inline'" not in answer["Content-Security-Policy"].partition("style-src")[0]


def test_every_list_opens_and_leads_to_its_pages(ada_client: Client, issue: Issue) -> None:
    """Django has no lists and forms of rows beside them, not even for superusers."""
    newsletter = issue.newsletter
    for name in ("newsletters", "publications", "appeals", "articles", "sources", "issues"):
        assert ada_client.get(f"/admin/{name}/").status_code == 200
    for row, page in (
        (newsletter, f"/admin/newsletter/{newsletter.pk}/"),
        (newsletter.publication, f"/admin/publication/{newsletter.publication_id}/"),
        (issue, f"/admin/issues/{issue.pk}/"),
    ):
        name = str(row._meta.model_name)
        assert f'href="{page}"' in ada_client.get(f"/admin/{name}s/").content.decode()
        stored = f"/admin/{row._meta.app_label}/{name}"
        for address in (f"{stored}/", f"{stored}/{row.pk}/change/", f"{stored}/add/"):
            assert ada_client.get(address).status_code == 404


def test_a_list_of_issues_names_its_columns(ada_client: Client, issue: Issue) -> None:
    """On a phone too, where each value stands beside the name of its column."""
    page = ada_client.get("/admin/issues/").content.decode()
    assert 'data-label="Newsletter"' in page
    assert '<th scope="col"' in page


def test_a_list_is_searched_filtered_ordered_and_paged(ada_client: Client, issue: Issue) -> None:
    """All of it in the address; no row has an unknown state, and no order or page is unknown."""
    Issue.objects.filter(pk=issue.pk).update(subject="Seals")
    other = make_issue(issue.newsletter, state=State.SENT, slot=NOON, subject="Terns")
    table = ada_client.get("/admin/issues/", {"q": "tern"}).context["table"]
    assert [row.title for row in table.rows] == ["Terns"]
    table = ada_client.get("/admin/issues/", {"state": "draft"}).context["table"]
    assert [row.title for row in table.rows] == ["Seals"]
    table = ada_client.get("/admin/issues/", {"order": "-subject"}).context["table"]
    assert [row.title for row in table.rows] == ["Terns", "Seals"]
    for unknown in ({"state": "x"}, {"newsletter": "x"}, {"newsletter": str(issue.pk + 10**6)}):
        page = ada_client.get("/admin/issues/", unknown)
        assert list(page.context["table"].rows) == []
        assert "Unknown</option>" in page.content.decode()
    odd = {"order": "pk; DROP", "page": "\u0663"}
    assert len(ada_client.get("/admin/issues/", odd).context["table"].rows) == 2
    assert "Nothing matches." in ada_client.get("/admin/issues/", {"q": "zz"}).content.decode()
    Issue.objects.bulk_create(
        Issue(
            newsletter=issue.newsletter,
            slot=NOON + timedelta(hours=n + 1),
            built_at=NOON,
            state=State.SENT,
        )
        for n in range(tables.PAGE_SIZE)
    )
    first = ada_client.get("/admin/issues/").context["table"]
    second = ada_client.get("/admin/issues/" + first.batch.next_url).context["table"]
    assert (len(first.rows), len(second.rows)) == (tables.PAGE_SIZE, 2)
    assert (first.batch.previous_url, second.batch.next_url) == ("", "")
    assert second.rows[-1].url == f"/admin/issues/{other.pk}/"


def test_an_appeal_is_created_changed_and_deleted(ada_client: Client, issue: Issue) -> None:
    """On a page of its own, which shows how it looks."""
    publication = issue.newsletter.publication_id
    form = {
        "publication": publication,
        **APPEAL,
        "priority": "3",
        "weight": "2",
        "cap": "2",
        "starts_at": "2026-11-01T00:00",
        "ends_at": "2026-10-01T00:00",
    }
    assert b"must be after the start" in ada_client.post("/admin/appeals/new/", form).content
    answer = ada_client.post("/admin/appeals/new/", form | {"ends_at": ""})
    appeal = Appeal.objects.get()
    assert answer["Location"] == f"/admin/appeals/{appeal.pk}/"
    page = ada_client.get(answer["Location"]).content.decode()
    assert "formPreview('/admin/appeals/preview/'" in page
    assert b"Help us." in ada_client.post("/admin/appeals/preview/", form).content
    ada_client.post(answer["Location"], form | {"ends_at": "", "heading": "Another"})
    appeal.refresh_from_db()
    assert (appeal.heading, appeal.url) == ("Another", "https://courier.example/support")
    assert (appeal.priority, appeal.weight, appeal.cap, appeal.cap_days) == (3, 2, 2, None)
    copy_page = ada_client.post(f"/admin/appeals/{appeal.pk}/duplicate/")["Location"]
    copy = Appeal.objects.exclude(pk=appeal.pk).get()
    assert (copy_page, copy.paused) == (f"/admin/appeals/{copy.pk}/", True)
    block = issue.blocks.create(kind="appeal", position=40, appeal=appeal)
    assert (
        "Remove from this issue" in ada_client.get(f"/admin/appeals/{appeal.pk}/").content.decode()
    )
    ada_client.post(f"/admin/appeals/{appeal.pk}/issues/{issue.pk}/leave-out/")
    block.refresh_from_db()
    assert block.hidden
    ada_client.post(f"/admin/appeals/{copy.pk}/delete/")
    ada_client.post(f"/admin/appeals/{appeal.pk}/delete/")
    assert not Appeal.objects.exists()
