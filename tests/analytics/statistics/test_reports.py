"""Reports read what triggers, senders and the judge have summed up."""

from datetime import date, timedelta

import pytest

from digest.accounts.models import User
from digest.analytics.models import IssueOutcome, LinkHour, LinkTotals
from digest.analytics.statistics import outcomes, publications, report_links
from digest.analytics.statistics.issues import issue_report
from digest.analytics.statistics.newsletters import newsletter_report
from digest.analytics.statistics.publications import summarize
from digest.analytics.statistics.sponsors import sponsor_report
from digest.analytics.statistics.tables import issue_sheets, newsletter_sheets, sponsor_sheets
from digest.analytics.statistics.totals import numbers_of
from digest.bounces import recording
from digest.core.errors import LinkError, LinkGoneError
from digest.core.links import sign_rows
from digest.issues.experiments.models import Experiment
from digest.issues.models import TrackedLink
from digest.newsletters.models import Newsletter
from digest.sending.models import Delivery
from digest.subscribers import consent
from tests.analytics.statistics.factories import (
    make_clicks,
    make_link,
    make_sent_issue,
    make_totals,
)
from tests.bounces.factories import make_finding
from tests.cast.issues import make_block
from tests.cast.newsletters import make_appeal, make_newsletter
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.publication(tracking="individual")]
DAY = timedelta(days=1)


def test_totals_of_links_follow_their_hours(newsletter: Newsletter) -> None:
    """However the hours are written: added, changed, deleted, by one statement or many."""
    link = make_link(make_sent_issue(newsletter))
    for after in range(3):
        make_clicks(link, 2, after=after, machine=1)
    LinkHour.objects.filter(hour=NOON).update(clicks=10)
    totals = LinkTotals.objects.get(link_id=link.pk)
    assert (totals.clicks, totals.unique_clicks, totals.machine_clicks) == (16, 6, 3)
    LinkHour.objects.filter(hour__gt=NOON).delete()
    LinkHour.objects.bulk_create(
        [LinkHour(issue_id=link.issue_id, link_id=link.pk, hour=NOON, clicks=1, unique_clicks=1)],
        update_conflicts=True,
        update_fields=["clicks", "unique_clicks"],
        unique_fields=["issue_id", "link_id", "hour"],
    )
    totals.refresh_from_db()
    assert (totals.clicks, totals.unique_clicks, totals.machine_clicks) == (1, 1, 1)


def test_an_issue_counts_what_came_back(newsletter: Newsletter) -> None:
    """Bounces after delivery, complaints, and unsubscribes by its own link; each once."""
    issue = make_sent_issue(newsletter, sent=100, refused=3)
    subscribers = [make_subscriber(newsletter) for _ in range(4)]
    for subscriber in subscribers[:2]:
        recording.record(subscriber, issue, make_finding(), NOON)
    recording.record(subscribers[1], issue, make_finding(), NOON)
    recording.record(subscribers[2], issue, make_finding(source="smtp"), NOON)
    for _ in range(2):
        consent.unsubscribe(
            subscribers[3].pk, newsletter.pk, via="page", ip=None, now=NOON, issue=issue.pk
        )
    numbers = issue_report(issue, NOON).numbers
    assert (numbers.returned, numbers.unsubscribes, numbers.complaints) == (2, 1, 0)
    assert (numbers.delivered, numbers.bounces) == (98, 5)
    assert numbers.bounce_rate == pytest.approx(5 / 103)
    assert set(IssueOutcome.objects.values_list("issue_id", flat=True)) == {issue.pk}


def test_an_issue_stands_against_those_before(newsletter: Newsletter) -> None:
    """People by mails delivered; of another newsletter and of later issues nothing."""
    before = [make_sent_issue(newsletter, NOON - n * DAY) for n in (1, 2)]
    issue = make_sent_issue(newsletter, NOON, sent=200)
    make_totals(make_sent_issue(newsletter, NOON + DAY), 90)
    make_totals(make_sent_issue(make_newsletter(slug="ebb"), NOON - DAY), 90)
    make_totals(before[0], 10)
    make_totals(before[1], 30)
    make_totals(issue, 60, machine_clicks=500)
    report = issue_report(issue, NOON + DAY)
    assert (report.compared, report.average.click_rate) == (2, 0.2)
    assert (report.numbers.click_rate, report.numbers.filtered) == (0.3, 500)
    assert report.is_fresh
    assert not issue_report(issue, NOON + 2 * DAY).is_fresh


def test_links_hours_and_answers(newsletter: Newsletter) -> None:
    """Most people first; traps are not shown, answers apart; two days by hour."""
    issue = make_sent_issue(newsletter)
    lead, second = issue.stories.order_by("position")
    quiet, busy = make_link(issue, lead), make_link(issue, second)
    block = make_block(issue, kind="feedback", content={"question": "How was this issue?"})
    answer = make_link(issue, kind="answer", url="good", label="Good", block=block)
    other_answer = make_link(issue, kind="answer", url="bad", label="Bad", block=block)
    trap = make_link(issue, kind="trap", url="https://courier.example/trap")
    make_clicks(busy, 7, machine=2)
    make_clicks(busy, 1, after=47)
    make_clicks(busy, 1, after=48)
    make_clicks(answer, 3)
    make_clicks(other_answer, 1)
    make_clicks(trap, 0, machine=9)
    report = issue_report(issue, NOON)
    assert [row.link for row in report.links] == [busy, quiet]
    assert [row.label for row in report.answers] == ["Good", "Bad"]
    assert (report.links[0].unique_clicks, report.links[0].filtered) == (9, 2)
    assert [hour.clickers for hour in report.hours] == [11, *[0] * 46, 1]
    links, hours, answers = issue_sheets(report)
    assert links.written()[0][:6] == ["Dredging vote", "9", "9.0 %", "12", "2", "Latest Stories"]
    assert hours.csv().splitlines()[1] == "2026-11-23T12:00:00+00:00,14,11"
    assert answers.written() == [
        ["Good", "3", "75.0 %", "How was this issue?", "0"],
        ["Bad", "1", "25.0 %", "How was this issue?", "0"],
    ]


def test_a_newsletters_best(newsletter: Newsletter) -> None:
    """A large issue wins over one of three mails; times are in the publication's zone."""
    lucky = make_sent_issue(newsletter, NOON - DAY, sent=3, subject="Lucky")
    strong = make_sent_issue(newsletter, NOON.replace(month=6), sent=1000, subject="Strong")
    make_totals(lucky, 2)
    make_totals(strong, 600)
    story = strong.stories.latest("position")
    make_clicks(make_link(strong, story), 40)
    make_clicks(make_link(strong, story, url="https://courier.example/picture"), 5)
    report = newsletter_report(newsletter, NOON)
    assert [row.issue for row in report.best] == [strong, lucky]
    assert [(time.weekday, time.hour) for time in report.times] == [(1, 13), (6, 12)]
    assert [(row.name, row.stories, row.unique_clicks) for row in report.topics] == [
        ("harbour", 1, 40),
        ("vote", 1, 40),
    ]
    assert report.together.clickers == 602


def test_the_best_subject_is_the_one_that_most_received(
    newsletter: Newsletter,
) -> None:
    """Of a test, the one that went to the rest; the issue keeps its own name elsewhere."""
    issue = make_sent_issue(newsletter, subject="Harbour news")
    make_totals(issue, 30)
    tested = {"kind": "subjects", "subjects": ["Forty seals", "A vote"], "share": 20, "minutes": 60}
    experiment = Experiment.objects.create(issue=issue, **tested)
    titles = []
    for winner in (None, 0, 2):
        experiment.winner = winner
        experiment.save()
        sheets = newsletter_sheets(newsletter_report(newsletter, NOON))
        titles.append((sheets[1].rows[0][0], sheets[0].rows[0][0]))
    own = "Harbour news"
    assert titles == [(own, own), (own, own), ("A vote", own)]


def test_growth_and_retention(newsletter: Newsletter) -> None:
    """Of two who joined in September one has left in October."""
    september = NOON.replace(month=9)
    for n in range(2):
        row = make_subscriber(newsletter)
        newsletter.subscriptions.filter(subscriber=row).update(state="pending")
        consent.confirm(row.pk, newsletter.pk, via="page", ip=None, now=september)
        if n:
            consent.unsubscribe(
                row.pk, newsletter.pk, via="page", ip=None, now=NOON.replace(month=10)
            )
    report = newsletter_report(newsletter, NOON)
    assert report.list_size == 1
    assert [(row.source, row.joined, row.left) for row in report.sources] == [("page", 2, 1)]
    (cohort,) = report.cohorts
    assert (cohort.month, cohort.joined) == (date(2026, 9, 1), 2)
    assert list(cohort.retained) == [1.0, 0.5, 0.5]
    sheets = {sheet.name: sheet for sheet in newsletter_sheets(report)}
    assert sheets["cohorts"].written() == [["September 2026", "2", "100.0 %", "50.0 %", "50.0 %"]]


def test_a_summary_has_each_newsletter(newsletter: Newsletter) -> None:
    """Those without an issue too; issues of before the period do not count."""
    quiet = make_newsletter(slug="quiet", publication=newsletter.publication)
    make_totals(make_sent_issue(newsletter, NOON - DAY), 10)
    make_totals(make_sent_issue(newsletter, NOON - 40 * DAY), 10)
    summary = summarize([newsletter, quiet], NOON)
    assert [(row.issues, row.numbers.clickers) for row in summary.newsletters] == [(1, 10), (0, 0)]
    assert summary.numbers.click_rate == 0.1


def test_an_issue_counts_from_when_it_went_out(newsletter: Newsletter) -> None:
    """It was a draft for weeks."""
    make_totals(make_sent_issue(newsletter, NOON - 40 * DAY, planned_at=NOON - DAY), 10)
    assert summarize([newsletter], NOON).numbers.clickers == 10


def test_a_summary_counts_issues_beyond_its_list(
    newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year of a daily newsletter is a year, however many issues the page lists."""
    monkeypatch.setattr(publications, "MOST", 2)
    for days in range(1, 5):
        make_totals(make_sent_issue(newsletter, NOON - days * DAY), 10)
    summary = summarize([newsletter], NOON)
    assert [row.issue.slot for row in summary.issues] == [NOON - DAY, NOON - 2 * DAY]
    assert (summary.newsletters[0].issues, summary.numbers.clickers) == (4, 40)


def test_a_sponsor_is_told_what_was_sent_and_clicked(newsletter: Newsletter) -> None:
    """Mails that went out without it do not count as impressions; days are the publication's."""
    appeal = make_appeal(newsletter.publication, kind="sponsor", cap=1)
    issue = make_sent_issue(newsletter, NOON.replace(month=6, hour=23, minute=30), sent=50)
    block = make_block(issue, "sponsor", appeal=appeal)
    make_block(issue, "sponsor", appeal=appeal)
    Delivery.objects.create(
        issue=issue,
        subscriber=make_subscriber(newsletter),
        state=Delivery.State.SENT,
        due_at=NOON,
        settled_at=NOON,
        without_appeals=[appeal.pk],
    )
    link = make_link(issue, block=block, appeal_id=appeal.pk, url=appeal.url)
    make_link(issue, kind=TrackedLink.Kind.TRAP, appeal_id=appeal.pk, url="https://x.example/")
    make_clicks(link, 5, machine=100)
    make_clicks(link, 3, after=24)
    button = make_link(issue, block=block, appeal_id=appeal.pk, url=f"{appeal.url}#button")
    make_clicks(button, 2, after=24)  # two of those who clicked the picture that day, perhaps
    report = sponsor_report(appeal, NOON)
    assert (report.total.impressions, report.total.unique_clicks) == (50, 8)
    by_day, by_issue = sponsor_sheets(report)
    assert by_day.csv().splitlines()[1:] == ["2026-06-24,50,6,5,0.1", "2026-06-25,0,7,3,"]
    assert by_issue.values()[0]["click_share"] == pytest.approx(0.16)


def test_cells_are_no_formulas(newsletter: Newsletter) -> None:
    """A headline is a stranger's; a spreadsheet would run it."""
    issue = make_sent_issue(newsletter)
    make_link(issue, issue.stories.earliest("position"), label="=HYPERLINK(1)")
    assert "\r\n'=HYPERLINK(1)," in issue_sheets(issue_report(issue, NOON))[0].csv()


def test_a_report_link_opens_until_it_is_revoked(newsletter: Newsletter) -> None:
    """By its token alone, and no other's."""
    appeal = make_appeal(newsletter.publication)
    link = report_links.create(appeal, User.objects.create_user("ada@courier.example"), NOON)
    token = report_links.url_of(link).rpartition("/")[2]
    assert report_links.open_link(token) == link
    with pytest.raises(LinkError):
        report_links.open_link(sign_rows("issue", link))
    assert report_links.revoke(link, NOON)
    assert not report_links.revoke(link, NOON)
    with pytest.raises(LinkGoneError, match="revoked"):
        report_links.open_link(token)


def test_outcomes_stay_what_they_are_when_they_are_summed_up() -> None:
    """Many rows of an issue become one of each kind."""
    rows = [IssueOutcome(issue_id=1, kind=kind, number=2) for kind in (1, 3) for _ in range(30)]
    IssueOutcome.objects.bulk_create([*rows, IssueOutcome(issue_id=2, kind=1, number=1)])
    before = numbers_of([1, 2])
    outcomes.compact()
    assert numbers_of([1, 2]) == before
    assert before[1].unsubscribes == 60
    assert IssueOutcome.objects.count() == 3
