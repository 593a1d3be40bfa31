"""Drops: which differences count, and that editors hear of each once."""

from datetime import timedelta

import pytest

from digest.accounts.models import User
from digest.bounces.drops import comparing, detecting
from digest.bounces.models import DomainResult, Drop
from digest.bounces.results.values import Result
from digest.issues.models import Issue
from digest.newsletters.models import Member, Newsletter, Role
from digest.notices import content
from digest.notices.models import Notice
from digest.webhooks.events import Event
from digest.webhooks.models import Webhook, WebhookDelivery
from digest.webhooks.payloads import payload_of
from tests.cast import NOON, make_issue, make_newsletter
from tests.cast.accounts import make_superuser

DAY = timedelta(days=1)


def good(sent: int, **fields: int) -> Result:
    """Mails that were all sent, with one in ten recipients who clicked."""
    return Result("", **{"sent": sent, "countable": sent, "clickers": sent // 10, **fields})


def kinds(latest: Result, *earlier: Result, at_other: Result | None = None) -> set[str]:
    """Return the kinds of decline at one destination, beside another that goes well."""
    other = at_other or good(1000)
    results = {"gmail": latest, "other": other}
    past = [{"gmail": row, "other": good(1000)} for row in earlier]
    judged = comparing.judge(results, past, with_clicks=True)
    return {str(row.kind) for row in judged.declines if row.destination == "gmail"}


PAST = [good(200), good(200, deferred=6), good(200)]


@pytest.mark.parametrize(
    ("latest", "past", "expected"),
    [
        (good(200), PAST, set()),
        (good(150, refused=50), PAST, {"delivery"}),
        (good(200, deferred=60), PAST, {"delivery"}),
        (good(100, waiting=100, deferred=100), PAST, {"delivery"}),
        # Small numbers, small differences, and what was so before.
        (good(30, refused=30), PAST, set()),
        (good(190, refused=10), PAST, set()),
        (good(200, deferred=60), [good(200), good(200, deferred=70), good(200)], set()),
        (good(200, deferred=60), [good(200, deferred=50)] * 3, set()),
        # A sender that is new: deferred by greylisting is fine, refused is not.
        (good(200, deferred=200), [], set()),
        (good(100, refused=100), [], {"delivery"}),
        # Complaints need no past.
        (good(1000, complaints=5), PAST, {"complaints"}),
        (good(1000, complaints=4), [], set()),
        (good(10_000, complaints=5), PAST, set()),
        # Clicks: less than half of an expectation of twenty.
        (good(1000, clickers=20), PAST, {"clicks"}),
        (good(1000, clickers=60), PAST, set()),
        (good(150, clickers=0), PAST, set()),
        (good(1000, clickers=20), PAST[:2], set()),
        (good(1000, clickers=0, countable=0), PAST, set()),
    ],
)
def test_what_counts(latest: Result, past: list[Result], expected: set[str]) -> None:
    """A tenth more trouble than before, many complaints, half of the clicks."""
    assert kinds(latest, *past) == expected


def test_a_dull_issue_is_no_drop() -> None:
    """All providers clicked as little."""
    assert kinds(good(1000, clickers=20), *PAST) == {"clicks"}
    assert kinds(good(1000, clickers=20), *PAST, at_other=good(1000, clickers=20)) == set()


@pytest.fixture
def newsletter() -> Newsletter:
    """Four issues of a newsletter, a day apart, that Gmail takes."""
    newsletter = make_newsletter()
    for days in range(4, 0, -1):
        count(make_issue(newsletter, slot=NOON - days * DAY, state=Issue.State.SENT))
    return newsletter


def count(issue: Issue, refused: int = 0) -> Issue:
    """Store the results of an issue to 200 at Gmail and to an unknown domain."""
    for domain in ("gmail.com", "club.example"):
        DomainResult.objects.create(
            issue=issue,
            domain=domain,
            sent=200 - refused,
            deferred=0,
            refused=refused,
            counted_at=NOON,
        )
    return issue


@pytest.mark.django_db
def test_editors_are_notified_of_a_drop_once(newsletter: Newsletter) -> None:
    """By one mail to each and one event, however often it is counted; it ends when all is well."""
    Webhook.objects.create(
        name="desk", url="https://desk.example", events=[Event.DROPPED], created_at=NOON
    )
    for number, role in enumerate((Role.OWNER, Role.EDITOR, Role.ANALYST)):
        user = User.objects.create_user(f"u{number}@courier.example", "x", is_staff=True)
        Member.objects.create(
            user=user, publication=newsletter.publication, role=role, created_at=NOON
        )
    bad = count(make_issue(newsletter, slot=NOON), refused=100)
    now = NOON + timedelta(minutes=30)
    assert detecting.detect([bad.pk], now) == []  # it has just begun
    drops = detecting.detect([bad.pk], NOON + DAY)
    assert {drop.destination for drop in drops} == {"gmail", "club.example"}
    assert detecting.detect([bad.pk], NOON + DAY) == []
    emails = set(Notice.objects.filter(kind="drop").values_list("email", flat=True))
    assert emails == {"u0@courier.example", "u1@courier.example"}
    delivery = WebhookDelivery.objects.get()
    assert b'"destination":"Gmail","kind":"delivery","mails":200,"share":0.5' in payload_of(
        delivery
    )
    well = count(make_issue(newsletter, slot=NOON + DAY))
    assert detecting.detect([well.pk], NOON + 2 * DAY) == []
    assert not Drop.objects.filter(ended_at=None).exists()
    assert detecting.detect([bad.pk], NOON + 2 * DAY) == []  # counted again later
    assert Notice.objects.filter(kind="drop").count() == 2


@pytest.mark.django_db
def test_the_notice_says_what_got_worse(newsletter: Newsletter) -> None:
    """In percent, with a link; in another language too."""
    make_superuser()
    bad = count(make_issue(newsletter, slot=NOON), refused=100)
    detecting.detect([bad.pk], NOON + DAY)
    notice = Notice.objects.get(kind="drop")
    written = content.write_letter(notice, NOON)
    assert written is not None
    text = " ".join(map(str, written.letter.paragraphs))
    assert "Gmail" in text
    assert "50.0% of the emails were refused or deferred, usually 0.0%." in text
    assert written.links["deliverability"].endswith("/admin/deliverability/")


@pytest.mark.django_db
def test_a_drop_is_forgotten_after_a_month(newsletter: Newsletter) -> None:
    """A newsletter that stopped does not warn for ever."""
    bad = count(make_issue(newsletter, slot=NOON), refused=100)
    detecting.detect([bad.pk], NOON + DAY)
    detecting.detect([], NOON + 32 * DAY)
    assert not Drop.objects.filter(ended_at=None).exists()
