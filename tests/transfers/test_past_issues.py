"""Past issues come into the archive: sanitised, with their date, once, and only what was public."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from digest.issues.models import Issue
from digest.newsletters.models import Newsletter
from digest.transfers import cleaning
from digest.transfers.models import PastIssue
from tests.cast import exports, make_issue
from tests.connectors.ghost import gated
from tests.transfers.test_subscribers import bring

pytestmark = pytest.mark.django_db


def test_mailchimps_campaigns_are_dated_by_their_table(tmp_path: Path, tide: Newsletter) -> None:
    """A file belongs to the campaign that it is named after; others stay behind with the reason."""
    report = bring(tmp_path, tide, exports.mailchimp_account(), issues="all").issues
    row = PastIssue.objects.get()
    assert (row.subject, row.origin) == ("Seals return 🦭", "u24")
    assert row.slot == datetime(2019, 5, 19, 17, tzinfo=UTC)  # six in the evening in London
    assert dict(report.reasons) == {"was never sent": 1, "its text is not in the export": 1}
    assert report.pictures == {"mcusercontent.example": 1}


def test_no_campaign_gets_the_page_of_another(tmp_path: Path, tide: Newsletter) -> None:
    """Two of one title cannot be told apart, and one whose page is missing is not the next one."""
    titles = ("The Tide", "The Tide", "The Morning Tide 24", "The Morning Tide 25")
    rows = [
        {"Title": title, "Subject": f"News {number}", "Send Date": f"May 1{number}, 2019 06:00 pm"}
        for number, title in enumerate(titles)
    ]
    pages = ("1_the-tide", "2_the-tide", "3_the-morning-tide-24")
    report = bring(
        tmp_path,
        tide,
        {
            "7/campaigns.csv": exports.table("Title,Subject,Send Date", rows),
            **{f"7/campaigns_content/{page}.html": f"<p>Text of {page}.</p>" for page in pages},
        },
        issues="all",
    ).issues
    row = PastIssue.objects.get()
    assert (row.subject, row.html) == ("News 2", "<p>Text of 3_the-morning-tide-24.</p>")
    assert dict(report.reasons) == {"its text is not in the export": 3}


def test_what_was_not_public_stays_behind(tmp_path: Path, tide: Newsletter) -> None:
    """Unless somebody decides otherwise; what is for paying subscribers never comes."""
    posts = [
        exports.ghost_post(),
        exports.ghost_post(id="p2", uuid="2", status="sent", title="By mail only"),
        exports.ghost_post(id="p3", uuid="3", visibility="members", title="For members"),
        exports.ghost_post(id="p4", uuid="4", visibility="paid", title="For payers"),
        exports.ghost_post(id="p5", uuid="5", status="draft", title="A draft"),
        exports.ghost_post(id="p6", uuid="6", type="page", title="About"),
    ]
    contents = {"site.json": exports.ghost_json(posts)}
    bring(tmp_path, tide, contents)
    assert list(tide.past_issues.values_list("subject", flat=True)) == ["Seals return"]
    assert "For members." not in tide.past_issues.get().html
    bring(tmp_path, tide, contents, issues="none")
    bring(tmp_path, tide, contents, issues="all")
    subjects = set(tide.past_issues.values_list("subject", flat=True))
    assert subjects == {"Seals return", "By mail only", "For members"}


def test_blocks_for_members_stay_behind(tmp_path: Path, tide: Newsletter) -> None:
    """A public post may have parts that only some see: the archive is for everybody."""
    gated_part = gated('nonMember:false memberSegment:"status:-free"')
    visible = gated("nonMember:true", "<p>Join us.</p>")
    post = exports.ghost_post(html=f"<p>Forty of them.</p>{gated_part}{visible}<p>In winter.</p>")
    bring(tmp_path, tide, {"site.json": exports.ghost_json([post])})
    html = tide.past_issues.get().html
    assert "Where they sleep" not in html
    assert all(text in html for text in ("Forty of them", "Join us", "In winter"))


def test_substacks_posts(tmp_path: Path, tide: Newsletter) -> None:
    """Those for everybody, with the text of their own file."""
    report = bring(tmp_path, tide, exports.substack()).issues
    row = PastIssue.objects.get()
    assert (row.subject, row.preheader, row.html) == (
        "Seals return",
        "All of them",
        "<p>The seals are back.</p>",
    )
    assert set(report.reasons) == {
        "was never sent",
        "for paying subscribers only",
        "its text is not in the export",
    }


def test_buttondowns_markdown_becomes_html(tmp_path: Path, tide: Newsletter) -> None:
    """As its API and its export have it."""
    email = {
        "id": "e1",
        "subject": "Seals",
        "body": "# Seals\n\nThey *are* back. <script>alert(1)</script>",
        "status": "sent",
        "email_type": "public",
        "publish_date": "2023-04-05T06:00:00Z",
    }
    bring(tmp_path, tide, {"emails.json": json.dumps([email])})
    assert PastIssue.objects.get().html == "<h1>Seals</h1>\n<p>They <em>are</em> back. </p>"


def test_importing_again_changes_nothing(tmp_path: Path, tide: Newsletter) -> None:
    """An issue is known by what it is called there; two in one second get two."""
    twin = exports.ghost_post(id="p2", uuid="2", title="In the same second")
    contents = {"site.json": exports.ghost_json([exports.ghost_post(), twin])}
    make_issue(tide, slot=datetime(2023, 4, 5, 6, tzinfo=UTC))  # ours, in the same second too
    bring(tmp_path, tide, contents)
    slots = list(tide.past_issues.order_by("slot").values_list("slot", flat=True))
    assert [slot.second for slot in slots] == [1, 2]
    report = bring(tmp_path, tide, contents).issues
    assert (report.added, report.unchanged) == (0, 2)
    assert list(tide.past_issues.order_by("slot").values_list("slot", flat=True)) == slots


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p onclick=x>Hi</p><script>alert(1)</script><iframe src=//x></iframe>", "<p>Hi</p>"),
        ('<p style="display:none">hidden</p><p>shown</p>', "<p>shown</p>"),
        ('<p>Bye</p><a href="{{ UnsubscribeURL }}">unsubscribe</a>', "<p>Bye</p>"),
        ('<p>Bye</p><a href="https://x.list-manage.com/u?u=1">leave</a>', "<p>Bye</p>"),
        ("<p>Dear {{ .Subscriber.FirstName }}%%name%%*|FNAME|*</p>", "<p>Dear </p>"),
        ("<p>Hello *|FNAME|*, and more</p>", "<p>Hello, and more</p>"),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        (
            '<a href="{{ TrackLink "https://courier.example/a" . }}">a</a>',
            '<a href="https://courier.example/a">a</a>',
        ),
        ('<a href="https://courier.example/a@TrackLink">a</a>', None),
        ('<p>Bye</p><a href="https://mail.example/u/opt-out?id=1">leave</a>', "<p>Bye</p>"),
        ('<p>Bye</p><a href="https://x.example/email-preferences">set</a>', "<p>Bye</p>"),
        ("<svg onload=alert(1)>", ""),
        ("", ""),
    ],
)
def test_what_belonged_to_the_mail_goes(markup: str, expected: str | None) -> None:
    """Scripts, hidden texts, merge tags and links to leave."""
    cleaned = cleaning.clean(markup)
    assert cleaned == (
        expected if expected is not None else '<a href="https://courier.example/a">a</a>'
    )


@pytest.mark.parametrize(
    "path",
    [
        *("adopt-outdoor-cats", "voter-preferences-2024", "hospital-opt-out-scheme"),
        *("how-to-view-in-browser-games", "desinscription-des-electeurs"),
    ],
)
def test_articles_whose_address_sounds_like_leaving_stay(path: str) -> None:
    """With their headline, which is the link."""
    link = f'<a href="https://courier.example/news/{path}">Headline</a>'
    assert cleaning.clean(link) == link


def test_nesting_without_end_is_text() -> None:
    """A megabyte of tags costs no more than any page."""
    assert cleaning.clean("<div>" * 20_000 + "deep") == "deep"


def test_what_is_too_long_stays_behind(tmp_path: Path, tide: Newsletter) -> None:
    """Rather than lose its end."""
    post = exports.ghost_post(html="<p>" + "long " * 60_000 + "</p>")
    report = bring(tmp_path, tide, {"site.json": exports.ghost_json([post])}).issues
    assert dict(report.reasons) == {"its page is longer than 250,000 characters": 1}


def test_the_archive_shows_them_among_ours(
    client: Client, tmp_path: Path, tide: Newsletter
) -> None:
    """By date, with a page each, before and after others; not in the feed, and not sent."""
    issue_of_ours = make_issue(
        tide, subject="Ours", state=Issue.State.SENT, planned_at=datetime.now(UTC)
    )
    contents = {"site.json": exports.ghost_json([exports.ghost_post()])}
    bring(tmp_path, tide, contents)
    page = client.get("/archive/tide").content.decode()
    assert page.index("Ours") < page.index("Seals return")
    assert "Wed 05 Apr 2023, 07:00 BST" in page
    issue = client.get("/archive/tide/20230405T060000Z")
    text = issue.content.decode()
    assert "<p>The seals are back.</p>" in text
    assert f"/archive/tide/{issue_of_ours.key}" in text
    assert "script-src" not in issue["Content-Security-Policy"]
    assert "Seals return" not in client.get("/archive/tide/feed.xml").content.decode()
    assert "20230405T060000Z" in client.get("/sitemap.xml").content.decode()
    assert client.get("/archive/tide/20230405T060001Z").status_code == 404
    assert Issue.objects.count() == 1


def test_a_private_newsletter_shows_none(client: Client, tmp_path: Path, tide: Newsletter) -> None:
    """Its archive is not public."""
    bring(tmp_path, tide, {"site.json": exports.ghost_json([exports.ghost_post()])})
    Newsletter.objects.update(state="private")
    assert client.get("/archive/tide/20230405T060000Z").status_code == 404
    assert "20230405T060000Z" not in client.get("/sitemap.xml").content.decode()
