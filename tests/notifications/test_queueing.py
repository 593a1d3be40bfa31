"""The newsroom is told of each occurrence once: by mail to those who want it, and by webhooks."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from digest.accounts.models import User
from digest.articles.models import Source
from digest.bounces.drops import detecting
from digest.issues import building
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.notices.content import write_letter
from digest.notices.models import Notice
from digest.notifications import queueing
from digest.relays import registry as relay_registry
from digest.relays.registry import RelayOptions
from digest.sending import domain_pauses
from digest.webhooks import registry
from digest.webhooks.models import Webhook, WebhookDelivery
from digest.webhooks.payloads import payload_of
from tests.cast import NOON, make_issue, make_member, make_newsletter, make_publication, make_source
from tests.cast.relays import make_paused_domain

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=1)
NEWSROOM = ["issue.waiting", "issue.skipped", "issue.failed", "source.disabled", "domain.paused"]


@pytest.fixture
def tide() -> Newsletter:
    """A newsletter whose issues somebody has to approve, and an editor."""
    newsletter = make_newsletter(
        slug="tide", publication=make_publication(), approval="one", name="The Morning Tide"
    )
    make_member(newsletter.publication, "editor", email="ed@courier.example")
    return newsletter


def mails() -> list[str]:
    """The addresses of the mails that are queued, and take them away."""
    addresses = sorted(Notice.objects.values_list("email", flat=True))
    Notice.objects.all().delete()
    return addresses


def text_of(notice: Notice) -> str:
    """What a mail says."""
    written = write_letter(notice, NOON)
    assert written
    letter = written.letter
    return " | ".join([letter.subject, letter.heading, *letter.paragraphs, *letter.after])


def test_an_issue_that_waits_is_told_once(tide: Newsletter) -> None:
    """Not again with each run; one that an editor writes is not waiting."""
    issue = make_issue(tide, state="draft", slot=LATER, subject="Storm", built_at=NOON)
    make_issue(tide, state="draft", slot=NOON, kind="manual", built_at=NOON)
    assert queueing.queue_new(NOON) == 1
    notice = Notice.objects.get()
    assert notice.context["issues"] == [issue.pk]
    text = text_of(notice)
    assert "The Morning Tide waits for approval" in text
    assert "Storm" in text
    assert queueing.queue_new(LATER) == 0
    assert mails() == ["ed@courier.example"]


def test_a_mail_whose_matter_is_settled_is_not_sent(tide: Newsletter) -> None:
    """Somebody was quicker."""
    issue = make_issue(tide, state="draft", slot=LATER, built_at=NOON)
    queueing.queue_new(NOON)
    Issue.objects.filter(pk=issue.pk).update(state="built")
    assert write_letter(Notice.objects.get(), NOON) is None


def test_ten_skipped_issues_are_one_mail(tide: Newsletter) -> None:
    """And one for each newsletter; what is old is no news."""
    weekly = make_newsletter(slug="weekly", publication=tide.publication)
    for newsletter, number in ((tide, 10), (weekly, 1)):
        for hours in range(number):
            make_issue(
                newsletter,
                state="skipped",
                reason="Missed",
                slot=NOON - timedelta(hours=hours),
                finished_at=NOON,
            )
    old = NOON - timedelta(days=3)
    make_issue(tide, state="skipped", reason="Missed", slot=old, finished_at=old)
    assert queueing.queue_new(NOON) == 11
    assert mails() == ["ed@courier.example"] * 2


def test_a_failed_issue_says_what_is_wrong(tide: Newsletter) -> None:
    """One that a person paused does not."""
    make_issue(tide, state="paused", slot=NOON, reason="It cannot be rendered: line 3")
    make_issue(tide, state="paused", slot=LATER, reason="")
    assert queueing.queue_new(NOON) == 1
    assert "It cannot be rendered: line 3" in text_of(Notice.objects.get())


@pytest.mark.parametrize("moment", ["send_at", "planned_at"])
def test_a_manual_issue_that_fails_days_after_its_creation(tide: Newsletter, moment: str) -> None:
    """Its slot is the moment of its creation."""
    old = NOON - timedelta(days=3)
    issue = make_issue(tide, kind="manual", state="paused", slot=old, reason="Line 3")
    assert queueing.queue_new(NOON) == 0
    Issue.objects.filter(pk=issue.pk).update(**{moment: NOON})
    assert queueing.queue_new(NOON) == 1
    assert mails() == ["ed@courier.example"]


@pytest.mark.parametrize(
    ("reason", "count"),
    [
        (building.NOT_APPROVED, 1),
        ("Missed", 1),
        ("Skipped by an editor.", 0),
        ("Only 1 new story.", 0),
    ],
)
def test_a_skip_that_editors_chose_is_for_webhooks_alone(
    tide: Newsletter, reason: str, count: int
) -> None:
    """An hourly newsletter with few stories would otherwise be a mail each hour."""
    registry.add("all", "https://all.example/", NEWSROOM, now=NOON)
    make_issue(tide, state="skipped", reason=reason, slot=NOON, finished_at=NOON)
    assert queueing.queue_new(NOON) == 1
    assert WebhookDelivery.objects.count() == 1
    assert mails() == ["ed@courier.example"] * count


def test_an_account_with_an_odd_address_silences_nobody(tide: Newsletter) -> None:
    """Neither the mails of others nor the webhooks, nor the pause of a domain."""
    User.objects.create_user("admin@localhost", is_staff=True, is_superuser=True)
    registry.add("all", "https://all.example/", NEWSROOM, now=NOON)
    make_issue(tide, state="skipped", reason="Missed", slot=NOON, finished_at=NOON)
    assert queueing.queue_new(NOON) == 1
    assert WebhookDelivery.objects.count() == 1
    assert mails() == ["ed@courier.example"]
    relay = relay_registry.add("main", "smtp://mail.example", RelayOptions())
    assert domain_pauses.pause_domain(relay, "r.example", "550 5.7.1 no", NOON)
    assert mails() == ["ed@courier.example"]
    detecting.queue_notices(tide, [], NOON)
    assert mails() == ["ed@courier.example"]


def test_a_source_that_was_switched_off(tide: Newsletter) -> None:
    """Told again only if it happens again."""
    source = make_source(tide)
    Source.objects.filter(pk=source.pk).update(switched_off_at=NOON, problem="Too large.")
    assert queueing.queue_new(NOON) == 1
    assert "Too large." in text_of(Notice.objects.get())
    assert queueing.queue_new(LATER) == 0
    Source.objects.filter(pk=source.pk).update(switched_off_at=LATER)
    assert queueing.queue_new(LATER) == 1


def test_only_those_who_may_edit_and_want_it_are_told(tide: Newsletter) -> None:
    """Each chooses for themselves; an editor of another newsletter hears nothing."""
    publication = tide.publication
    weekly = make_newsletter(slug="weekly", publication=publication)
    make_member(publication, "analyst", email="ana@courier.example")
    own = make_member(publication, "editor", email="own@courier.example", newsletter_ids=[tide.pk])
    make_member(publication, "editor", email="weekly@courier.example", newsletter_ids=[weekly.pk])
    browser = Client()
    browser.force_login(own)
    page = browser.get("/admin/notifications/").content.decode()
    assert page.count(" checked") == 7
    browser.post("/admin/notifications/", {"events": ["waiting", "source"]})
    assert User.objects.get(pk=own.pk).unwanted_events == [
        "skipped",
        "failed",
        "domain",
        "drop",
        "webhook",
    ]
    make_issue(tide, state="draft", slot=LATER, built_at=NOON)
    make_issue(tide, state="skipped", reason="Missed", slot=NOON, finished_at=NOON)
    queueing.queue_new(NOON)
    assert mails() == ["ed@courier.example"] * 2 + ["own@courier.example"]


def test_webhooks_are_told_too(tide: Newsletter) -> None:
    """Of their publication, or of the installation; with why, and nothing of a subscriber."""
    other = make_publication(slug="gazette")
    for name, publication in (("all", None), ("own", tide.publication), ("other", other)):
        registry.add(name, f"https://{name}.example/", NEWSROOM, now=NOON, publication=publication)
    make_issue(tide, state="skipped", reason="Missed", slot=NOON, finished_at=NOON, subject="Storm")
    queueing.queue_new(NOON)
    deliveries = WebhookDelivery.objects.order_by("webhook__name")
    assert [row.webhook.name for row in deliveries] == ["all", "own"]
    body = json.loads(payload_of(deliveries[0]))
    assert body["type"] == "issue.skipped"
    assert (
        body["data"].items()
        >= {
            "newsletter": "tide",
            "publication": tide.publication.slug,
            "subject": "Storm",
            "reason": "Missed",
        }.items()
    )
    WebhookDelivery.objects.all().delete()
    relay = relay_registry.add("main", "smtp://mail.example", RelayOptions())
    pause = make_paused_domain(
        relay, since=NOON, until=NOON + timedelta(hours=1), reason="550 5.7.1 <kim@r.example> no"
    )
    queueing.queue_new(NOON)
    assert WebhookDelivery.objects.count() == 3
    assert "kim@" not in payload_of(WebhookDelivery.objects.earliest("pk")).decode()
    body = json.loads(payload_of(WebhookDelivery.objects.earliest("pk")))
    assert (body["data"]["domain"], body["data"]["publication"]) == (pause.domain, None)


def test_skipped_issues_of_a_newsletter_are_told_once_a_day(tide: Newsletter) -> None:
    """A newsletter that is skipped at each slot is one; webhooks hear of each."""
    for hour in range(3):
        now = NOON + timedelta(hours=hour)
        make_issue(tide, slot=now, state="skipped", reason="Missed", finished_at=now)
        queueing.queue_new(now + timedelta(minutes=1))
    assert Notice.objects.count() == 1
    now = NOON + timedelta(hours=25)
    make_issue(tide, slot=now, state="skipped", reason="Missed", finished_at=now)
    queueing.queue_new(now + timedelta(minutes=1))
    assert Notice.objects.count() == 2


def test_what_happens_again_to_an_issue_is_told_again(tide: Newsletter) -> None:
    """An editor corrected it and resumed it; it was approved and fell back; it was restored."""
    failed = make_issue(tide, state="paused", slot=NOON, reason="Line 3")
    waiting = make_issue(tide, state="draft", slot=LATER, built_at=NOON)
    assert queueing.queue_new(NOON) == 2
    mails()
    Issue.objects.filter(pk=failed.pk).update(state="sending", reason="")
    Issue.objects.filter(pk=waiting.pk).update(state="built")
    assert queueing.queue_new(LATER) == 0
    Issue.objects.filter(pk=failed.pk).update(state="paused", reason="Line 3")
    Issue.objects.filter(pk=waiting.pk).update(state="draft")
    assert queueing.queue_new(LATER) == 2
    assert queueing.queue_new(LATER) == 0
    assert mails() == ["ed@courier.example"] * 2


def test_another_failure_of_an_issue_is_told_at_once(tide: Newsletter) -> None:
    """It may come within a second after somebody has resumed it."""
    issue = make_issue(tide, state="paused", slot=NOON, reason="Line 3")
    assert queueing.queue_new(NOON) == 1
    mails()
    Issue.objects.filter(pk=issue.pk).update(reason="No mail server is for this sender.")
    assert queueing.queue_new(LATER) == 1
    assert "No mail server" in text_of(Notice.objects.get())


def test_a_webhook_that_is_disabled_is_told_to_owners(tide: Newsletter) -> None:
    """What happens meanwhile is lost to it; its address may be its secret, and is in no mail."""
    make_member(tide.publication, "owner", email="own@courier.example")
    everywhere = make_member(None, "owner", email="all@courier.example")
    for name, publication in (("crm", tide.publication), ("erp", None)):
        url = f"https://{name}.example/secret"
        webhook, _ = registry.add(name, url, NEWSROOM, now=NOON, publication=publication)
        Webhook.objects.filter(pk=webhook.pk).update(disabled_at=NOON, note=f"{url} answered 500.")
    assert queueing.queue_new(NOON) == 2
    assert queueing.queue_new(LATER) == 0
    assert not WebhookDelivery.objects.exists()
    texts = [(row.email, text_of(row)) for row in Notice.objects.order_by("pk")]
    assert "crm" in texts[0][1]
    assert "Its calls failed." in texts[0][1]
    assert not [text for _, text in texts if "secret" in text]
    assert mails() == [everywhere.email] * 2 + ["own@courier.example"]
