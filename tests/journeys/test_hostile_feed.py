"""A hostile feed is polled while an issue goes out."""

from threading import Thread

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from digest.articles import polling
from digest.articles.isolation import process
from digest.articles.models import Source
from digest.core import clock
from digest.core.isolation import Isolation
from digest.issues.models import Issue
from digest.sending import planning, sender
from digest.sending.progress import progress
from tests.articles import hostile
from tests.articles.publisher import DATA, publishing
from tests.cast.articles import make_source
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import LONG_AGO
from tests.smtp_server import SmtpServer

SUBSCRIBERS = 300


@pytest.mark.journey
@pytest.mark.django_db(transaction=True)
def test_a_hostile_feed_holds_up_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All mails go out, the source is switched off, and no other is."""
    monkeypatch.setattr(process, "PARSER", Isolation(process.PARSER.module))
    monkeypatch.setattr(
        process.PARSER.limits, "cpu_seconds", 0
    )  # and the second that is always there
    newsletter = make_newsletter()
    issue = make_issue(newsletter, slot=LONG_AGO)
    make_story(issue)
    for _ in range(SUBSCRIBERS):
        make_subscriber(newsletter)
    planning.plan_built(clock.now())
    with publishing(settings) as publisher, SmtpServer() as relay:
        settings.DIGEST_SMTP_URL = relay.url
        publisher.pages |= {
            "/hostile": hostile.FEEDS["dates unlike"](4_900_000),
            "/good": (DATA / "rss.xml").read_bytes(),
        }
        bad = make_source(newsletter, url=publisher.url("/hostile"))
        good = make_source(newsletter, url=publisher.url("/good"))
        polls = Thread(target=_poll_three_times)
        polls.start()
        sender.send_due()
        polls.join()
        sender.send_due()
    process.PARSER.children.end()
    assert progress(Issue.objects.get(pk=issue.pk)).sent == SUBSCRIBERS
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.parser_kills, bad.is_polled) == (3, False)
    assert (good.failures, good.is_polled, good.articles.count()) == (0, True, 3)


def _poll_three_times() -> None:
    try:
        for _ in range(3):
            Source.objects.update(next_poll_at=clock.now())
            polling.poll_due(clock.now())
    finally:
        connections.close_all()
