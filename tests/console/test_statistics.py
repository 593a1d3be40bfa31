"""Statistics: what the pages show of issues, newsletters, appeals and sponsors, and as files."""

import re
from datetime import timedelta

import lxml.html
import pytest
from django.test import Client

from digest.accounts.models import User
from digest.analytics.models import IssueTotals, ReportLink
from digest.issues.models import Issue, TrackedLink
from digest.newsletters.models import Newsletter, Publication, Role
from digest.subscribers.models import Growth
from tests.analytics.statistics.factories import (
    make_clicks,
    make_link,
    make_sent_issue,
    make_totals,
)
from tests.cast.issues import make_block, make_issue
from tests.cast.newsletters import make_appeal, make_member, make_newsletter, make_publication
from tests.cast.texts import SCRIPT
from tests.clock import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.publication(tracking="individual")]


@pytest.fixture
def issue(newsletter: Newsletter) -> Issue:
    """An issue to a thousand; 60 people clicked the second story, a scanner all links."""
    make_totals(make_sent_issue(newsletter, NOON - timedelta(days=1), sent=1000), 40)
    issue = make_sent_issue(newsletter, NOON - timedelta(hours=3), sent=1000)
    lead, second = issue.stories.order_by("position")
    make_clicks(make_link(issue, lead), 12, machine=400)
    make_clicks(make_link(issue, second), 60, after=1, machine=400)
    make_totals(issue, 70, clicks=74, machine_clicks=1234)
    return issue


def page_of(ada_client: Client, address: str) -> str:
    """Return the words of a page."""
    answer = ada_client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_issues_page_has_its_results(ada_client: Client, issue: Issue) -> None:
    """People, filtered clicks, the rate against the issue before; renewed while it is fresh."""
    for address in (f"/admin/issues/{issue.pk}/", f"/admin/issues/{issue.pk}/results/"):
        text = page_of(ada_client, address)
        assert "70 74 clicks" in text
        assert "1,234 by machines" in text
        assert "7.0 % average 4.0 % (+3.00 points)" in text
        assert "Compared with the 1 issue before; the numbers still change." in text
        assert "GMT" in text.partition("As of")[2][:60]
    assert 'hx-trigger="every 30s"' in ada_client.get(f"/admin/issues/{issue.pk}/").content.decode()


def test_an_issue_that_has_not_gone_out_has_none(
    ada_client: Client, newsletter: Newsletter
) -> None:
    """Neither on its page nor on one of its own."""
    draft = make_issue(newsletter, state="draft", slot=NOON.replace(year=2099))
    assert 'id="results"' not in ada_client.get(f"/admin/issues/{draft.pk}/").content.decode()
    for part in ("results", "statistics", "statistics/map/html"):
        assert ada_client.get(f"/admin/issues/{draft.pk}/{part}/").status_code == 404


def test_the_report_of_an_issue(ada_client: Client, issue: Issue) -> None:
    """Links with their story, hours in the publication's zone, each table as a file."""
    text = page_of(ada_client, f"/admin/issues/{issue.pk}/statistics/")
    assert "Dredging vote 60 6.0 % 61 400 Latest Stories https://courier.example/" in text
    assert "Mon 09:00 12 13 Mon 10:00 60 61" in text
    file = ada_client.get(f"/admin/issues/{issue.pk}/statistics/?csv=links")
    assert file["Content-Disposition"] == f'attachment; filename="issue-{issue.pk}-links.csv"'
    assert len(file.content.decode().splitlines()) == 3
    assert ada_client.get(f"/admin/issues/{issue.pk}/statistics/?csv=nothing").status_code == 404


def test_hours_begin_at_half_past_where_zones_do(ada_client: Client, issue: Issue) -> None:
    """Their times are those of the publication's zone, which is named."""
    Publication.objects.update(timezone="Asia/Kolkata")
    assert "Times in Asia/Kolkata." in page_of(ada_client, "/admin/statistics/")
    text = page_of(ada_client, f"/admin/issues/{issue.pk}/statistics/")
    assert "Mon 14:30 12 13 Mon 15:30 60 61" in text
    assert "Times in Asia/Kolkata." in text


@pytest.mark.parametrize("tracking", ["none", "individual"])
def test_the_map_draws_clicks_over_the_mail(
    ada_client: Client, issue: Issue, tracking: str
) -> None:
    """At each story's links and each block, whether they lead through us or not; nothing runs."""
    Publication.objects.update(tracking=tracking)
    issue.refresh_from_db()
    TrackedLink.objects.update(label=SCRIPT)
    answer = ada_client.get(f"/admin/issues/{issue.pk}/statistics/map/html/")
    html = answer.content.decode()
    assert html.index("12 · 1.2 %") < html.index("60 · 6.0 %")
    assert "Latest Stories: 61 clicks (82 %)" in html
    assert "&lt;a" not in html
    assert "<script" not in html
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_map_leaves_the_mail_as_it_is(ada_client: Client, issue: Issue) -> None:
    """But for the badges: its texts are all there, in their order."""
    TrackedLink.objects.all().delete()
    texts = []
    for part in ("statistics/map/html", "preview/html"):
        html = ada_client.get(f"/admin/issues/{issue.pk}/{part}/").content.decode()
        body = lxml.html.document_fromstring(html).find("body")
        assert body is not None
        texts.append(" ".join("".join(map(str, body.itertext())).split()))
    assert texts[0] == texts[1]
    assert "Dredging vote" in texts[0]


def test_without_tracking_the_page_says_how_to_turn_it_on(ada_client: Client) -> None:
    """To those who may; deliveries are shown all the same."""
    newsletter = make_newsletter()
    issue = make_sent_issue(newsletter, sent=1000, refused=7)
    for address in (
        "/admin/statistics/",
        f"/admin/statistics/newsletter/{newsletter.pk}/",
        f"/admin/issues/{issue.pk}/statistics/",
    ):
        html = ada_client.get(address).content.decode()
        assert "Nothing is counted: tracking is off for The Saltmarsh Courier." in html
        assert f'href="/admin/publication/{newsletter.publication_id}/">Turn on' in html
        assert "1,000" in html
    ada_client.force_login(make_member(newsletter.publication, Role.ANALYST))
    text = page_of(ada_client, "/admin/statistics/")
    assert "Somebody who manages the publication can turn it on." in text


def test_where_nobody_is_named_numbers_are_about(ada_client: Client, issue: Issue) -> None:
    """And the definition says why."""
    Publication.objects.update(tracking="aggregate")
    text = page_of(ada_client, f"/admin/issues/{issue.pk}/statistics/")
    assert "about 70" in text
    assert "a visitor is one device and network within a day" in text
    IssueTotals.objects.all().delete()
    text = page_of(ada_client, f"/admin/issues/{issue.pk}/statistics/")
    assert "People who clicked 0" in text
    assert "about 0" not in text


def test_a_newsletter_and_its_publication(ada_client: Client, issue: Issue) -> None:
    """The best subject first, the times by weekday, files of all."""
    newsletter = issue.newsletter
    address = f"/admin/statistics/newsletter/{newsletter.pk}/"
    text = page_of(ada_client, address)
    assert "Monday, 09:00 7.0 % 70 1,000 1" in text
    assert "harbour 2 72 36.0" in text
    for name in ("issues", "subjects", "times", "topics", "growth", "sources", "cohorts"):
        assert (
            ada_client.get(f"{address}?csv={name}").headers["Content-Type"].startswith("text/csv")
        )
    for address in (
        "/admin/statistics/",
        f"/admin/statistics/publication/{newsletter.publication_id}/",
    ):
        text = page_of(ada_client, f"{address}?days=7")
        assert "The Morning Tide 0 2 2,000 110 5.5 % 115 1,234" in text


def test_a_newsroom_sees_its_own(ada_client: Client, issue: Issue) -> None:
    """Another publication's numbers are in no sum and no page."""
    other = make_newsletter(slug="ebb", name="The Ebb", publication=make_publication(slug="ebb"))
    ada_client.force_login(make_member(other.publication, Role.ANALYST))
    text = page_of(ada_client, "/admin/statistics/")
    assert "The Ebb" in text
    assert "The Morning Tide" not in text
    assert "1,234" not in text
    for address in (
        f"statistics/newsletter/{issue.newsletter_id}",
        f"statistics/publication/{issue.newsletter.publication_id}",
        f"issues/{issue.pk}/statistics",
    ):
        assert ada_client.get(f"/admin/{address}/").status_code == 404


def test_a_sponsors_report_and_its_links(ada_client: Client, issue: Issue) -> None:
    """An editor creates a link and revokes it; an analyst only looks."""
    publication = issue.newsletter.publication
    sponsor = make_appeal(publication, kind="sponsor", heading="Quay Books")
    block = make_block(issue, "sponsor", appeal=sponsor)
    make_clicks(make_link(issue, block=block, appeal_id=sponsor.pk), 25)
    address = f"/admin/statistics/appeal/{sponsor.pk}/"
    assert "1,000 26 25 2.5 %" in page_of(ada_client, address)
    assert "Report: impressions and clicks" in page_of(ada_client, f"/admin/appeals/{sponsor.pk}/")
    ada_client.post(f"{address}links/")
    link = ReportLink.objects.get()
    assert "/report/" in page_of(ada_client, address)
    ada_client.force_login(make_member(publication, Role.ANALYST))
    assert "Create link" not in page_of(ada_client, address)
    assert ada_client.post(f"{address}links/{link.pk}/revoke/").status_code == 403
    ada_client.force_login(User.objects.get(is_superuser=True))
    ada_client.post(f"{address}links/{link.pk}/revoke/")
    assert "/report/" not in page_of(ada_client, address)


def test_home_shows_the_list_and_how_issues_did(ada_client: Client, issue: Issue) -> None:
    """The rate with a link to the report; a hundred joined, and one has left again."""
    Growth.objects.create(newsletter_id=issue.newsletter_id, day=NOON, joined=1100, left=1)
    text = page_of(ada_client, "/admin/")
    assert "Subscribers 1,099 1,100 joined and 1 left in 30 days" in text
    assert "7.0 % clicked" in text
    assert (
        f'href="/admin/issues/{issue.pk}/statistics/"' in ada_client.get("/admin/").content.decode()
    )
