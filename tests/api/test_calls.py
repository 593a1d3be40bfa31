"""What calls do: the same as the command line, by the same rules."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from digest.accounts.models import AuditEntry
from digest.articles.models import Article, Source
from digest.bounces import recording
from digest.bounces.reading.reasons import Reason
from digest.core import addresses, clock
from digest.issues.models import Issue
from digest.newsletters.models import ContentChange, Newsletter
from digest.notices.models import Notice
from digest.selfservice import erasure
from digest.selfservice.signups import settle_due
from digest.sending.models import Delivery
from digest.sending.planning import plan_built
from digest.subscribers import consent, suppression
from digest.subscribers.models import ConsentEvent, Subscriber, Subscription, Suppression
from digest.subscribers.suppression import is_suppressed, suppress
from tests.api.conftest import Caller, MakeCaller
from tests.articles.publisher import publishing
from tests.bounces.factories import make_finding, make_sent
from tests.cast.articles import make_article, make_source
from tests.cast.issues import make_issue, make_running, make_story
from tests.cast.newsletters import make_appeal, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO, NOON
from tests.smtp_server import SmtpServer
from tests.web.signing_up import confirm_path

pytestmark = [pytest.mark.django_db, pytest.mark.publication(slug="courier")]

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>The Courier</title>
<item><title>Seals return</title><guid>1</guid><link>https://courier.example/1</link></item>
</channel></rss>"""


def pages(caller: Caller, path: str, **query: Any) -> list[list[int]]:
    """Walk a list to its end; return the ids, page by page."""
    ids, cursor = [], ""
    while True:
        page = caller.json("GET", path, limit=2, cursor=cursor, **query)
        ids.append([row["id"] for row in page["items"]])
        if not (cursor := page["next"]):
            return ids


def test_pages_are_complete_whatever_happens_between_them(caller: Caller, tide: Newsletter) -> None:
    """Every row once; what comes and goes meanwhile moves nothing."""
    subscribers = [make_subscriber(tide).pk for _ in range(5)]
    first = caller.json("GET", "/subscribers", limit=2)
    make_subscriber(tide)
    Subscriber.objects.filter(pk=subscribers[0]).delete()
    second = caller.json("GET", "/subscribers", limit=2, cursor=first["next"])
    assert [row["id"] for row in first["items"] + second["items"]] == subscribers[:4]
    assert pages(caller, "/subscribers") == [
        subscribers[1:3],
        subscribers[3:5],
        [max(subscribers) + 1],
    ]


def test_lists_of_what_happens_begin_with_the_newest(caller: Caller, tide: Newsletter) -> None:
    """Issues and articles; a page that is just full has no next."""
    issues = [make_issue(tide, slot=NOON + timedelta(days=n)).pk for n in range(4)]
    assert pages(caller, "/issues") == [issues[:1:-1], issues[1::-1]]
    articles = [make_article(make_source(tide)).pk for _ in range(3)]
    assert pages(caller, "/articles", newsletter="tide") == [articles[:0:-1], articles[:1]]


def test_a_cursor_is_good_for_its_own_list_alone(caller: Caller, tide: Newsletter) -> None:
    """Made up, altered, or of another list: 422."""
    for _ in range(3):
        make_subscriber(tide)
    cursor = caller.json("GET", "/subscribers", limit=1)["next"]
    for path, cursor_text in (("/articles", cursor), ("/subscribers", "made-up"), ("/issues", "1")):
        assert caller("GET", path, cursor=cursor_text).status_code == 422


def test_deliveries_come_by_state_and_erased_subscribers_last(caller: Caller) -> None:
    """Complete over the border between those with a subscriber and those without."""
    issue = make_running(5)
    rows = list(issue.deliveries.order_by("subscriber_id"))
    failed = {"state": Delivery.State.FAILED, "settled_at": NOON, "reply_code": 550, "reply": "no"}
    Delivery.objects.filter(pk__in=[rows[0].pk, rows[1].pk, rows[4].pk]).update(**failed)
    Delivery.objects.filter(pk__in=[rows[0].pk, rows[1].pk]).update(subscriber=None)
    path = f"/issues/{issue.pk}/deliveries"
    named, nameless = [rows[2].pk, rows[3].pk, rows[4].pk], [rows[0].pk, rows[1].pk]
    assert [pk for page in pages(caller, path) for pk in page] == [*named, *nameless]
    by_state = [pk for page in pages(caller, path, state="failed") for pk in page]
    assert by_state == [rows[4].pk, *nameless]
    last = caller.json("GET", path, state="failed", limit=1)["items"][0]
    assert (last["state"], last["reply_code"], last["email"]) == (
        "failed",
        550,
        rows[4].subscriber.email if rows[4].subscriber else "",
    )


def test_a_newsletter_is_set_up_shown_and_changed(caller: Caller, tide: Newsletter) -> None:
    """With its schedule, layout and policies."""
    body = {
        "publication": "courier",
        "slug": "harbour-week",
        "name": "The Harbour Week",
        "schedule": {"days": ["fri"], "time": "07:00", "timezone": "Europe/London"},
        "topics": {"Harbour": ["port", "fishing"]},
        "cadences": ["weekly"],
        "min_stories": 2,
    }
    created = caller.json("POST", "/newsletters", body)
    assert created["policies"]["min_stories"] == 2
    assert [row["title"] for row in created["layout"]] == ["", "Harbour", "Latest Stories", ""]
    assert len(created["next_slots"]) == 5
    change = {"state": "paused", "cadences": [], "schedule": {"cron": "0 6 * * *"}}
    changed = caller.json("PATCH", "/newsletters/harbour-week", change)
    assert (changed["state"], changed["next_slots"], changed["cadences"]) == ("paused", [], [])
    assert Newsletter.objects.get(slug="harbour-week").schedule.cron == "0 6 * * *"
    assert changed["warnings"] == []
    change = {"schedule": {"cron": "0 6 1 * mon"}}
    changed = caller.json("PATCH", "/newsletters/harbour-week", change)
    assert "Both count" in changed["warnings"][0]


def test_how_a_newsletter_reads_and_who_decides_is_changed(
    caller: Caller, tide: Newsletter
) -> None:
    """A template that cannot be rendered is refused, and nothing beside it is kept."""
    created = caller.json(
        "POST", "/newsletters", {"publication": "courier", "slug": "ebb", "name": "Ebb"}
    )
    assert created["policies"]["approval"] == "one"
    assert created["policies"]["review_minutes"] == 60
    change = {"name": "The Tide", "subject": "{{ newsletter }} today", "approval": "other"}
    changed = caller.json("PATCH", "/newsletters/tide", change)
    assert (changed["name"], changed["policies"]["approval"]) == ("The Tide", "other")
    answer = caller("PATCH", "/newsletters/tide", {"name": "Other", "subject": "{{ 1 / 0 }}"})
    assert answer.status_code == 422
    answer = caller("PATCH", "/newsletters/tide", {"name": "Other", "min_stories": 99})
    assert answer.status_code == 422
    tide.refresh_from_db()
    assert (tide.name, tide.subject) == ("The Tide", "{{ newsletter }} today")


def test_blocks_are_added_renamed_moved_and_removed(caller: Caller, tide: Newsletter) -> None:
    """A subscriber who chose a topic keeps it under its new title; the last stories stay."""
    path = "/newsletters/tide/layout"
    body = {"kind": "topic", "title": "Harbour", "topics": ["port"]}
    added = caller.json("POST", path, body)["layout"][-1]
    subscriber = make_subscriber(tide)
    subscriber.subscriptions.update(topics=["Harbour"])
    change = {"title": "The quay", "move": -20}
    changed = caller.json("PATCH", f"{path}/{added['id']}", change)["layout"]
    assert (changed[0]["title"], changed[0]["topics"]) == ("The quay", ["port"])
    assert subscriber.subscriptions.get().topics == ["The quay"]
    for block in changed[1:]:
        assert caller("DELETE", f"{path}/{block['id']}").status_code == 204
    assert caller("DELETE", f"{path}/{added['id']}").status_code == 422
    assert caller("PATCH", f"{path}/{added['id']}", {"topics": []}).status_code == 422
    foreign_block = make_newsletter(slug="flood").layout.earliest("pk").pk
    assert caller("PATCH", f"{path}/{foreign_block}", {"title": "Mine"}).status_code == 404


def test_a_removal_that_removes_nothing_is_no_contribution(
    caller: Caller, tide: Newsletter
) -> None:
    """Its caller may still approve the next issue; whoever removes something may not alone."""
    source, other = make_source(tide), make_source(make_newsletter())
    *blocks, last = tide.layout.filter(kind__in=["latest", "lead", "topic", "picked"])
    tide.layout.filter(pk__in=[block.pk for block in blocks]).delete()
    assert caller("DELETE", f"/newsletters/tide/layout/{last.pk}").status_code == 422
    assert caller("DELETE", f"/newsletters/tide/sources/{other.pk}").status_code == 204
    assert not ContentChange.objects.exists()
    assert caller("DELETE", f"/newsletters/tide/sources/{source.pk}").status_code == 204
    assert ContentChange.objects.get().newsletter == tide


@pytest.mark.parametrize("path", ["/sources", "/appeals", "/issues"])
def test_a_list_takes_as_many_queries_for_many_rows(
    caller: Caller, tide: Newsletter, path: str
) -> None:
    """What a row shows of other tables is read for the page."""
    Newsletter.objects.update(approval="other")

    def count_queries() -> int:
        make_source(tide)
        make_appeal(tide.publication).newsletters.add(tide)
        slot = NOON + timedelta(hours=tide.issues.count())
        make_story(make_issue(tide, state=Issue.State.DRAFT, slot=slot))
        with CaptureQueriesContext(connection) as queries:
            caller.json("GET", path)
        return len(queries)

    count_queries()  # also what is read once, such as the token's rights
    assert count_queries() == count_queries()


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "tide"},
        {"slug": "Not A Slug"},
        {"name": "line\nend"},
        {"schedule": {"time": "07:00", "cron": "0 7 * * *"}},
        {"schedule": {"cron": "never"}},
        {"min_stories": 9, "max_stories": 2},
        {"surprise": 1},
        {"subject": "\x00"},
        {"subject": "{% for %}"},
    ],
)
def test_what_cannot_be_is_refused_in_words(
    caller: Caller, tide: Newsletter, wrong: dict[str, Any]
) -> None:
    """422, saying what and where; nothing is made."""
    body = {"publication": "courier", "slug": "new", "name": "New"} | wrong
    answer = caller("POST", "/newsletters", body)
    problem = json.loads(answer.content)
    assert answer.status_code == problem["status"] == 422
    assert problem["detail"]
    assert Newsletter.objects.count() == 1


def test_a_source_is_found_polled_listed_and_removed(
    caller: Caller, tide: Newsletter, settings: Settings
) -> None:
    """Where no newsletter carries it any more it is forgotten, its articles are not."""
    with publishing(settings) as site:
        site.pages["/"] = b'<link rel="alternate" type="application/rss+xml" href="/rss">'
        site.pages["/rss"] = FEED
        created = caller.json("POST", "/sources", {"newsletter": "tide", "url": site.url("/")})
        assert (created["new"], created["source"]["newsletters"]) == (1, ["tide"])
        number = created["source"]["id"]
        assert caller.json("POST", f"/sources/{number}/poll")["unchanged"] == 1
    assert pages(caller, "/sources", newsletter="tide") == [[number]]
    for _ in range(2):
        answer = caller("DELETE", f"/newsletters/tide/sources/{number}")
    assert answer.status_code == 404
    assert not Source.objects.exists()
    assert Article.objects.get().title == "Seals return"


def test_an_address_without_a_feed_is_explained(caller: Caller, tide: Newsletter) -> None:
    """One that we do not go to as well."""
    body = {"newsletter": "tide", "url": "http://10.0.0.1/"}
    answer = caller("POST", "/sources", body)
    assert answer.status_code == 422
    assert "not on the public internet" in json.loads(answer.content)["detail"]


def test_a_pushed_article_is_picked_corrected_and_retracted(
    caller: Caller, tide: Newsletter
) -> None:
    """It is in the next issue of newsletters that carry what is pushed, until it is retracted."""
    body = {
        "publication": "courier",
        "url": "https://courier.example/seals?utm_source=x",
        "guid": "cms-1",
        "title": "Seals &amp; terns return",
        "body_html": "<p>Forty <script>alert(1)</script>of them.</p>",
        "published_at": clock.now().isoformat(),
    }
    pushed = caller.json("POST", "/articles", body)
    assert (pushed["outcome"], pushed["newsletters"]) == ("new", [])
    caller.json("POST", "/sources", {"newsletter": "tide", "pushed": True})
    assert caller.json("POST", "/articles", body)["newsletters"] == ["tide"]
    assert _previewed(caller) == ["Seals & terns return"]

    article_id = pushed["article"]["id"]
    assert "script" not in Article.objects.get().body_html
    corrected = caller.json("PATCH", f"/articles/{article_id}", {"title": "Seals < 50 return"})
    assert corrected["outcome"] == "changed"
    retagged = caller.json("PATCH", f"/articles/{article_id}", {"tags": ["coast"]})["article"]
    assert (retagged["title"], retagged["tags"]) == ("Seals < 50 return", ["coast"])
    assert _previewed(caller) == ["Seals < 50 return"]

    caller.json("POST", f"/articles/{article_id}/retract", {})
    left_out = caller.json("GET", "/newsletters/tide/preview")
    assert left_out["stories"] == []
    assert left_out["left_out"][0]["reason"].startswith("Retracted on")
    assert Source.objects.get().kind == Source.Kind.PUSHED


def _previewed(caller: Caller) -> list[str]:
    return [row["title"] for row in caller.json("GET", "/newsletters/tide/preview")["stories"]]


def test_an_article_of_a_feed_is_corrected_in_its_feed(caller: Caller, tide: Newsletter) -> None:
    """The next poll would undo it."""
    article = make_article(make_source(tide))
    answer = caller("PATCH", f"/articles/{article.pk}", {"title": "Other"})
    assert answer.status_code == 409
    assert Article.objects.get().title == article.title


def test_what_is_pushed_is_never_polled(caller: Caller, tide: Newsletter) -> None:
    """Neither by beat nor by a call."""
    from digest.articles.polling import poll_due

    created = caller.json("POST", "/sources", {"newsletter": "tide", "pushed": True})
    assert created["source"]["next_poll_at"] is None
    assert poll_due(clock.now() + timedelta(days=1)) == []
    assert caller("POST", f"/sources/{created['source']['id']}/poll").status_code == 409


def test_a_preview_holds_the_mail_and_leaves_no_trace(caller: Caller, tide: Newsletter) -> None:
    """HTML and text."""
    article = make_article(make_source(tide), published_at=clock.now())
    preview = caller.json("GET", "/newsletters/tide/preview")
    assert article.title in preview["html"]
    assert article.title in preview["text"]
    assert preview["subject"] == article.title
    assert not Issue.objects.exists()


def test_an_issue_is_built_paused_resumed_and_cancelled(caller: Caller, tide: Newsletter) -> None:
    """What cannot be done any more is a 409 that says why."""
    make_article(make_source(tide), published_at=clock.now())
    created = caller.json("POST", "/newsletters/tide/issues", {}, key="today")
    assert (created["kind"], created["state"], len(created["stories"])) == ("manual", "draft", 1)
    path = f"/issues/{created['id']}"
    caller.json("POST", f"{path}/send", {"revision": created["revision"]}, key="send")
    assert caller.json("POST", f"{path}/pause")["state"] == "paused"
    assert caller.json("POST", f"{path}/resume")["state"] == "built"
    done = caller.json("POST", f"{path}/cancel", {"reason": "Wrong story"})
    assert (done["state"], done["reason"]) == ("cancelled", "Wrong story")
    second = caller("POST", f"{path}/pause")
    assert second.status_code == 409
    assert "cancelled" in json.loads(second.content)["detail"]


def test_an_issue_of_nothing_is_not_made(caller: Caller, tide: Newsletter) -> None:
    """It says why, and leaves none behind."""
    answer = caller("POST", "/newsletters/tide/issues", {}, key="today")
    assert answer.status_code == 409
    assert "nothing to send" in json.loads(answer.content)["detail"]
    assert not tide.issues.exists()


def test_an_issue_is_built_approved_and_sent(caller: Caller, tide: Newsletter) -> None:
    """By the rules of the console: of the content that was seen, by somebody who may."""
    make_subscriber(tide)
    Newsletter.objects.filter(pk=tide.pk).update(approval="one", undo_seconds=0)
    chosen = [make_article(make_source(tide), title=f"Seals {n}").pk for n in range(2)]
    created = caller.json("POST", "/newsletters/tide/issues", {"articles": chosen[::-1]}, key="a")
    assert [row["article"] for row in created["stories"]] == chosen[::-1]
    assert (created["state"], created["approval_needed"]) == ("draft", True)
    path, revision = f"/issues/{created['id']}", {"revision": created["revision"]}
    assert "Seals 1" in caller.json("GET", f"{path}/preview")["html"]
    assert caller("POST", f"{path}/send", revision, key="s").status_code == 409
    assert caller("POST", f"{path}/approve", {"revision": 7}, key="v").status_code == 409
    assert caller.json("POST", f"{path}/approve", revision, key="v")["approval_needed"] is False
    assert caller.json("POST", f"{path}/send", revision, key="s")["state"] == "built"
    [opened] = plan_built(clock.now() + timedelta(seconds=1))
    assert opened.pk == created["id"]
    assert caller("POST", f"{path}/undo").status_code == 409


def test_sending_is_undone_or_skipped(caller: Caller, tide: Newsletter) -> None:
    """While nothing has left."""
    article = make_article(make_source(tide)).pk
    created = caller.json("POST", "/newsletters/tide/issues", {"articles": [article]}, key="a")
    path = f"/issues/{created['id']}"
    at = (clock.now() + timedelta(hours=1)).isoformat()
    body = {"revision": created["revision"], "at": at}
    assert caller.json("POST", f"{path}/send", body, key="s")["send_at"]
    assert caller.json("POST", f"{path}/undo")["send_at"] is None
    assert caller.json("POST", f"{path}/skip", {"reason": "Too soon"})["reason"] == "Too soon"
    assert caller("POST", f"{path}/send", body, key="t").status_code == 409


def test_an_issue_is_moved_unscheduled_and_restored(caller: Caller, tide: Newsletter) -> None:
    """A time before the approval is one for afterwards."""
    Newsletter.objects.update(approval="one")
    issue = make_issue(tide, state="draft", slot=clock.now() + timedelta(hours=1))
    make_story(issue, article=make_article())
    path = f"/issues/{issue.pk}"
    at = (clock.now() + timedelta(hours=3)).isoformat()
    moved = caller.json("POST", f"{path}/send", {"revision": 1, "at": at}, key="s")
    assert (moved["state"], moved["send_at"][:16]) == ("draft", at[:16])
    caller.json("POST", f"{path}/approve", {"revision": 1}, key="v")
    assert caller.json("POST", f"{path}/skip", {})["state"] == "skipped"
    assert caller.json("POST", f"{path}/restore")["state"] == "built"
    on_hold = caller.json("POST", f"{path}/unschedule")
    assert (on_hold["state"], on_hold["on_hold"], on_hold["send_at"]) == ("draft", True, None)
    assert caller.json("POST", f"{path}/restore")["state"] == "draft"  # it is not skipped


def test_preflight_says_what_to_fix_and_what_passed(caller: Caller, tide: Newsletter) -> None:
    """POST runs all checks, GET the quick ones; a place is an anchor and a story's id."""
    issue = make_issue(tide, state="draft")
    story = make_story(issue, url="", article=make_article())
    path = f"/issues/{issue.pk}/preflight"
    values = caller.json("POST", path, {"network": False})
    (finding,) = [row for row in values["findings"] if row["check"] == "stories"]
    assert (finding["level"], finding["places"][0]["story"]) == ("warn", story.pk)
    assert finding["places"][0]["anchor"] == f"story-{story.pk}"
    assert "accessibility" in {row["check"] for row in values["passed"]}
    assert (values["revision"], values["checked_at"]) == (issue.revision, None)
    assert caller.json("GET", path)["findings"] == values["findings"]


def test_an_article_of_another_publication_is_not_sent(
    make_caller: MakeCaller, caller: Caller, tide: Newsletter
) -> None:
    """What the token does not reach is not there."""
    other = make_article(make_source(make_newsletter(slug="flood"))).pk
    limited = make_caller(publication=tide.publication, name="ours")
    answer = limited("POST", "/newsletters/tide/issues", {"articles": [other]})
    assert answer.status_code == 404


def test_a_retracted_article_leaves_every_issue(caller: Caller, tide: Newsletter) -> None:
    """Drafts, those going out, and those to come; one of nothing else is stopped."""
    source = make_source(tide)
    wrong, right = make_article(source, title="Wrong"), make_article(source, title="Right")
    draft = make_issue(tide, state="draft", slot=NOON)
    going = make_running(1, newsletter=tide, slot=NOON - timedelta(days=1))
    alone = make_issue(tide, state="draft", slot=NOON - timedelta(days=2))
    for issue in (draft, going):
        issue.stories.all().delete()
        for article in (wrong, right):
            make_story(issue, article=article, title=article.title)
    alone.stories.all().delete()
    make_story(alone, article=wrong, title="Wrong")
    retracted = caller.json("POST", f"/articles/{wrong.pk}/retract", {"note": "We were wrong."})
    assert retracted["retracted_at"]
    assert [story.title for story in draft.stories.all()] == ["Right"]
    assert going.stories.get(article=wrong).retraction == "We were wrong."
    alone.refresh_from_db()
    assert (alone.state, "retracted" in alone.reason) == ("skipped", True)
    answer = caller("POST", "/newsletters/tide/issues", {"articles": [wrong.pk]})
    assert answer.status_code == 409


def test_a_story_is_retracted_from_one_issue(caller: Caller) -> None:
    """And the archive says so."""
    issue = make_running(1)
    for number in range(2):
        make_story(issue, title=f"Story {number}", article=make_article())
    story = issue.stories.latest("pk")
    path = f"/issues/{issue.pk}/stories/{story.pk}/retract"
    assert caller.json("POST", path, {"note": "Wrong."})["retracted_at"]


def test_progress_adds_up(caller: Caller) -> None:
    """Eligible is the sum of the others."""
    issue = make_running(3)
    progress = caller.json("GET", f"/issues/{issue.pk}/progress")
    assert (progress["eligible"], progress["queued"]) == (3, 3)


def test_a_test_goes_to_one_address(caller: Caller, tide: Newsletter, settings: Settings) -> None:
    """A repeat under the same key sends none; without a relay it is a 503."""
    make_article(make_source(tide), published_at=clock.now())
    body = {"to": "ada@courier.example"}
    assert caller("POST", "/newsletters/tide/test", body, key="t").status_code == 503
    with SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        for _ in range(2):
            assert caller.json("POST", "/newsletters/tide/test", body, key="t")["code"] == 250
        [mail] = relay.received
    assert mail.recipient == "ada@courier.example"


def test_a_sign_up_is_limited_and_confirmed_by_its_subscriber(
    caller: Caller, tide: Newsletter
) -> None:
    """202 for known and unknown alike; the known subscriber changes nothing."""
    subscriber = make_subscriber(tide)
    for email in ("new@reader.example", subscriber.email):
        body = {"email": email, "newsletters": ["tide"], "evidence": "form on /about"}
        body |= {"name": "Nell"}
        answer = caller("POST", "/subscribers", body)
        assert (answer.status_code, json.loads(answer.content)["newsletters"]) == (202, ["tide"])
    settle_due()
    new = Subscriber.objects.get(address_key="new@reader.example")
    assert new.subscriptions.get().state == Subscription.State.PENDING
    event = ConsentEvent.objects.get(subscriber=new)
    assert (event.via, event.wording) == ("api", "form on /about")
    assert Notice.objects.get(subscriber=new).kind == Notice.Kind.CONFIRM
    assert new.name == ""
    Client().post(confirm_path("new@reader.example"))
    assert list(Subscriber.objects.order_by("pk").values_list("name", flat=True)) == [
        subscriber.name,
        "Nell",
    ]


def test_a_proven_wish_needs_its_evidence_and_brings_nobody_back(
    caller: Caller, tide: Newsletter
) -> None:
    """Who has left, or is suppressed, stays away."""
    body: dict[str, Any] = {"email": "new@reader.example", "newsletters": ["tide"]}
    body |= {"confirmed": True}
    assert caller("POST", "/subscribers", body).status_code == 422
    body |= {"evidence": "paper form of 3 May", "ip": "192.0.2.1"}
    answer = caller("POST", "/subscribers", body)
    accepted = {"email": "new@reader.example", "newsletters": ["tide"]}
    assert (answer.status_code, json.loads(answer.content)) == (202, accepted)
    [created] = caller.json("GET", "/subscribers", email="new@reader.example")["items"]
    assert created["subscriptions"][0]["state"] == "active"
    event = ConsentEvent.objects.get()
    assert (event.action, event.wording, event.ip) == (
        "confirmed",
        "paper form of 3 May",
        "192.0.2.1",
    )
    path = f"/subscribers/{created['id']}/subscriptions/tide"
    assert [caller("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert caller.json("POST", "/subscribers", body) == accepted
    assert Subscription.objects.get().state == Subscription.State.UNSUBSCRIBED
    suppress("other@reader.example", reason="complaint", now=NOON)
    other = body | {"email": "other@reader.example"}
    assert caller.json("POST", "/subscribers", other)["email"] == "other@reader.example"
    assert Subscriber.objects.count() == 1


def test_nobody_signs_up_for_what_is_not_open(caller: Caller, tide: Newsletter) -> None:
    """As on the public pages."""
    Newsletter.objects.update(state="private")
    body = {"email": "new@reader.example", "newsletters": ["tide"]}
    assert caller("POST", "/subscribers", body).status_code == 409


def test_a_subscriber_is_found_exported_and_erased(caller: Caller, tide: Newsletter) -> None:
    """However the address is spelt; erasing leaves the issue's numbers."""
    subscriber = make_subscriber(tide, email="ines@reader.example")
    issue = make_issue(tide, state=Issue.State.SENDING, planned_at=NOON)
    Delivery.objects.create(issue=issue, subscriber=subscriber, due_at=LONG_AGO)
    subscribers = caller.json("GET", "/subscribers", email="INES@reader.example")["items"]
    assert [row["id"] for row in subscribers] == [subscriber.pk]
    path = f"/subscribers/{subscriber.pk}"
    export = caller.json("GET", f"{path}/export")
    assert export["email"] == "ines@reader.example"
    assert len(export["deliveries"]) == 1
    assert caller("DELETE", path).status_code == 204
    assert caller("GET", path).status_code == 404
    assert Delivery.objects.get().state == Delivery.State.SUPPRESSED
    listed = caller.json("GET", "/suppressions")["items"]
    assert [(row["email"], row["reason"]) for row in listed] == [(None, "erased")]
    assert caller("DELETE", f"/suppressions/{listed[0]['id']}?reason=x").status_code == 409


def test_an_id_that_was_given_again_is_not_the_same_subscriber(
    caller: Caller, tide: Newsletter
) -> None:
    """A program that sends the UUID it stored neither shows, unsubscribes nor erases the heir."""
    subscriber = make_subscriber(tide)
    path, stored = f"/subscribers/{subscriber.pk}", caller.json("GET", "/subscribers")["items"][0]
    assert stored["uuid"] == str(subscriber.uuid)
    Subscriber.objects.filter(pk=subscriber.pk).update(uuid=uuid4())  # the heir's
    for method, tail in (
        ("GET", ""),
        ("GET", "/export"),
        ("DELETE", f"/subscriptions/{tide.slug}"),
        ("DELETE", ""),
    ):
        assert caller(method, f"{path}{tail}?uuid={stored['uuid']}").status_code == 404
    assert Subscription.objects.get().state == "active"
    uuid = Subscriber.objects.get().uuid
    assert caller("DELETE", f"{path}?uuid={uuid}").status_code == 204
    assert not Subscriber.objects.exists()


def test_an_export_for_one_publication_tells_of_no_other(
    make_caller: MakeCaller, tide: Newsletter
) -> None:
    """The subscriber may have newsletters of others; they are not its business."""
    subscriber = make_subscriber(tide)
    other = make_newsletter(slug="elsewhere")
    consent.subscribe(
        _address(subscriber), other, via="page", confirmed=True, wording="", now=clock.now()
    )
    suppress(subscriber.address_key, reason="asked", now=NOON)
    caller = make_caller(publication=tide.publication)
    for path in (f"/subscribers/{subscriber.pk}/export", f"/subscribers/{subscriber.pk}"):
        assert "elsewhere" not in json.dumps(caller.json("GET", path))
    assert caller.json("GET", f"/subscribers/{subscriber.pk}/export")["suppressions"] == []


def _address(subscriber: Subscriber) -> Any:
    return addresses.parse(subscriber.email)


def test_suppressions_are_added_listed_and_lifted(caller: Caller, tide: Newsletter) -> None:
    """The first reason stays."""
    body = {"email": "Left@Reader.example", "reason": "complaint", "evidence": "by phone"}
    created = caller("POST", "/suppressions", body)
    second = caller("POST", "/suppressions", body | {"reason": "later"})
    assert [created.status_code, second.status_code] == [201, 200]
    row = json.loads(second.content)
    assert (row["email"], row["reason"]) == ("left@reader.example", "complaint")
    assert is_suppressed("left@reader.example", tide.pk)
    path = f"/suppressions/{row['id']}"
    assert caller("DELETE", path).status_code == 422
    assert is_suppressed("left@reader.example", tide.pk)
    assert caller("DELETE", f"{path}?reason=called%20us").status_code == 204
    assert not is_suppressed("left@reader.example", tide.pk)
    assert AuditEntry.objects.latest("pk").action.endswith(f"{path}: called us")


@pytest.mark.parametrize("is_call", [True, False])
def test_an_erasure_outlives_another_suppression(
    caller: Caller, tide: Newsletter, *, is_call: bool
) -> None:
    """Lifting that one must not let an import bring back who was erased."""
    address, email = addresses.parse("kim@reader.example"), "kim@reader.example"
    erasure.erase(make_subscriber(tide, email=email).pk, NOON)
    row = caller.json("POST", "/suppressions", {"email": email, "reason": "asked by phone"})
    if is_call:
        assert caller("DELETE", f"/suppressions/{row['id']}?reason=x").status_code == 204
    else:
        assert suppression.lift(address.key)
    assert not is_suppressed(address.key, tide.pk)
    assert suppression.was_erased(address.key)


def test_an_erasure_outlives_an_earlier_suppression(tide: Newsletter) -> None:
    """Its row has the reason of that one, which is lifted, and then its own."""
    subscriber = make_subscriber(tide)
    suppress(subscriber.address_key, reason="complained", now=NOON)
    erasure.erase(subscriber.pk, NOON)
    assert suppression.lift(subscriber.address_key)
    assert not is_suppressed(subscriber.address_key, tide.pk)
    assert suppression.was_erased(subscriber.address_key)
    assert not suppression.lift(subscriber.address_key)


def test_nobody_is_called_erased_who_was_not(make_caller: MakeCaller, tide: Newsletter) -> None:
    """A token of one newsletter would keep an address out of everybody's imports."""
    limited = make_caller(publication=tide.publication, newsletter_ids=[tide.pk])
    body = {"email": "kim@reader.example", "newsletter": tide.slug, "reason": "erased"}
    assert limited("POST", "/suppressions", body).status_code == 422
    assert not Suppression.objects.exists()


def test_bounces_are_listed_and_filtered(caller: Caller, tide: Newsletter) -> None:
    """Newest first; by issue, domain, reason and consequence."""
    full = make_finding(Reason.MAILBOX_FULL, status="5.2.2", text="Quota exceeded")
    for days, domain, finding in ((0, "a.example", make_finding()), (1, "b.example", full)):
        subscriber, at = make_subscriber(tide, email=f"kim@{domain}"), NOON + timedelta(days=days)
        recording.record(subscriber, make_sent(subscriber, at), finding, at)
    items = caller.json("GET", "/bounces")["items"]
    assert [(item["email"], item["consequence"], item["suppressed"]) for item in items] == [
        ("kim@b.example", "soft", False),
        ("kim@a.example", "hard", True),
    ]
    issue = items[0]["issue"]
    for query, number in (
        ("domain=A.example", 1),
        ("reason=mailboxfull", 1),
        ("reason=mailboxfull&domain=a.example", 0),
        ("consequence=hard", 1),
        (f"issue={issue}", 1),
        ("limit=1", 1),
    ):
        assert len(caller.json("GET", f"/bounces?{query}")["items"]) == number, query
    assert caller("GET", "/bounces?reason=bad").status_code == 422
