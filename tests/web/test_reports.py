"""The report of a sponsor, for whoever has its link."""

import pytest
from django.test import Client

from digest.analytics.statistics import report_links
from digest.core.redaction import redact
from digest.newsletters.models import Appeal
from tests.analytics.statistics.factories import make_clicks, make_link, make_sent_issue
from tests.cast import NOON, make_appeal, make_block, make_newsletter, make_publication
from tests.cast.accounts import make_superuser
from tests.cast.texts import SCRIPT

pytestmark = pytest.mark.django_db


@pytest.fixture
def sponsor() -> Appeal:
    """Quay Books, sent to 2,000; 30 people clicked that day and 5 the day after."""
    newsletter = make_newsletter(publication=make_publication(tracking="individual", language="de"))
    sponsor = make_appeal(newsletter.publication, kind="sponsor", heading=f"Quay {SCRIPT}")
    issue = make_sent_issue(newsletter, sent=2000, subject=f"Seals {SCRIPT}")
    link = make_link(
        issue, block=make_block(issue, "sponsor", appeal=sponsor), appeal_id=sponsor.pk
    )
    make_clicks(link, 30, machine=99)
    make_clicks(link, 5, after=24)
    return sponsor


def address_of(sponsor: Appeal) -> str:
    """Create a link to the report and return its path."""
    owner = make_superuser()
    url = report_links.url_of(report_links.create(sponsor, owner, NOON))
    return url.removeprefix("https://digest.example")


def test_a_link_shows_the_report_without_an_account(client: Client, sponsor: Appeal) -> None:
    """In the publication's language or the one asked for; nothing of subscribers; nothing runs."""
    path = address_of(sponsor)
    html = client.get(path).content.decode()
    for text in ("Einblendungen", "2.000", "1,8 %", "23. November 2026", "GMT"):
        assert text in html
    assert html.count("<rect") == 2
    assert "<script" not in html
    answer = client.get(f"{path}?lang=en")
    assert "1.8 %" in answer.content.decode()
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in answer["Cache-Control"]
    assert client.post(path).status_code == 405


def test_what_is_not_counted_is_not_shown(client: Client) -> None:
    """Neither a rate of zero nor a column; impressions are known all the same."""
    newsletter = make_newsletter()
    sponsor = make_appeal(newsletter.publication)
    path = address_of(sponsor)
    assert "It has not been sent yet." in client.get(path).content.decode()
    issue = make_sent_issue(newsletter, sent=500)
    make_block(issue, "appeal", appeal=sponsor)
    html = client.get(path).content.decode()
    assert "500" in html
    assert "Clicks are not counted for this publication." in html
    assert "Click rate" not in html


def test_a_revoked_link_shows_nothing(client: Client, sponsor: Appeal) -> None:
    """410, and what was made up is 404; a token stands in no log."""
    path = address_of(sponsor)
    report_links.revoke(sponsor.report_links.get(), NOON)
    assert client.get(path).status_code == 410
    assert client.get("/report/made-up").status_code == 404
    assert redact(path) == "/report/[redacted]"
