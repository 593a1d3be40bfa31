"""Statistics by the API: the numbers of the pages, for those with the scope and the publication."""

import pytest

from digest.accounts.scopes import Scope
from tests.analytics.statistics.factories import (
    make_clicks,
    make_link,
    make_sent_issue,
    make_totals,
)
from tests.api.conftest import MakeCaller
from tests.cast import NOON, make_appeal, make_block, make_newsletter, make_publication

pytestmark = pytest.mark.django_db


def test_all_reports(make_caller: MakeCaller) -> None:
    """Of an issue, its newsletter, its publication and its sponsor."""
    newsletter = make_newsletter(publication=make_publication(slug="courier", tracking="aggregate"))
    issue = make_sent_issue(newsletter, NOON, sent=200)
    sponsor = make_appeal(newsletter.publication, kind="sponsor")
    block = make_block(issue, "sponsor", appeal=sponsor)
    make_clicks(make_link(issue, issue.stories.latest("position")), 20, machine=3)
    make_clicks(make_link(issue, block=block, appeal_id=sponsor.pk), 4)
    feedback = make_block(issue, "feedback", content={"question": "How was this issue?"})
    make_clicks(make_link(issue, kind="answer", label="Good", block=feedback), 2)
    make_totals(issue, 22, machine_clicks=9)
    call = make_caller(Scope.STATISTICS_READ).json

    report = call("GET", f"/issues/{issue.pk}/statistics")
    assert (report["is_about"], report["compared_issues"]) == (True, 0)
    assert report["numbers"]["click_rate"] == pytest.approx(0.11)
    assert report["numbers"]["filtered_clicks"] == 9
    assert report["average"]["click_rate"] is None
    assert report["links"][0]["unique_clicks"] == 20
    assert report["answers"][0] == {
        "answer": "Good",
        "people": 2,
        "share": 1.0,
        "question": "How was this issue?",
        "filtered_clicks": 0,
    }
    assert len(report["hours"]) == 48

    report = call("GET", f"/newsletters/{newsletter.slug}/statistics", days=7)
    assert report["issues"][0]["issue_id"] == issue.pk
    assert report["times"][0]["time"] == "Monday, 12:00"
    assert (report["subjects"][0]["issue_id"], report["subjects"][0]["clickers"]) == (issue.pk, 22)
    assert len(report["growth"]) == 7

    report = call("GET", "/publications/courier/statistics")
    assert report["newsletters"][0]["numbers"]["clickers"] == 22

    report = call("GET", f"/appeals/{sponsor.pk}/statistics")
    assert report["total"] == {
        "impressions": 200,
        "clicks": 5,
        "unique_clicks": 4,
        "click_share": 0.02,
    }
    assert report["days"][0]["day"] == "2026-11-23"


def test_reports_take_the_scope_and_the_publication(make_caller: MakeCaller) -> None:
    """403 without the one, 404 without the other."""
    issue = make_sent_issue(make_newsletter())
    other = make_publication()
    sponsor = make_appeal(issue.newsletter.publication)
    stranger, narrow = make_caller(publication=other), make_caller(Scope.ISSUES_READ, name="crm")
    for path in (
        f"/issues/{issue.pk}/statistics",
        f"/newsletters/{issue.newsletter.slug}/statistics",
        f"/publications/{issue.newsletter.publication.slug}/statistics",
        f"/appeals/{sponsor.pk}/statistics",
    ):
        assert stranger("GET", path).status_code == 404
        assert narrow("GET", path).status_code == 403
