"""A story's link by way of us: on to the article, or to a note where it was taken back."""

import pytest
from django.test import Client

from digest.core import links
from digest.issues import approval, building, retracting
from digest.issues.models import Issue, Story
from digest.newsletters.models import Newsletter
from digest.notices import content
from digest.rendering.issue import compile_issue
from digest.rendering.letters import STORIES
from digest.sending.compiling import compiled_for
from digest.sending.public_archive import render_issue
from tests.cast import (
    LONG_AGO,
    NOON,
    make_article,
    make_issue,
    make_newsletter,
    make_source,
    make_story,
)

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"
WAY = "http://localhost:8000/r/"


@pytest.fixture
def issue() -> Issue:
    """An issue that went out, of two stories linked by way of us."""
    newsletter = make_newsletter(redirect_links=True)
    issue = make_issue(newsletter, state="sent", planned_at=NOON, subject="Today")
    for number in range(2):
        article = make_article(url=f"https://courier.example/seals-{number}")
        make_story(issue, article=article, url=article.url)
    return issue


def first(issue: Issue) -> Story:
    """Its first story."""
    story = issue.stories.order_by("position").first()
    assert story
    return story


def way_to(story: Story) -> str:
    """The path of a story's link."""
    return links.story_url(story.issue, story).partition("://")[2].partition("/")[2]


def mail_of(issue: Issue) -> tuple[str, str]:
    """HTML and text of a mail for everybody's eyes."""
    compiled = compile_issue(issue, list(issue.blocks.all()), list(issue.stories.all()))
    return compiled.html(), compiled.text()


def test_a_link_leads_on_to_the_article(client: Client, issue: Issue) -> None:
    """By GET and HEAD, kept by no cache; nothing is changed by following it."""
    story = first(issue)
    for ask in (client.get, client.head):
        answer = ask(f"/{way_to(story)}")
        assert (answer.status_code, answer["Location"]) == (302, story.url)
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies
    assert client.post(f"/{way_to(story)}").status_code == 405


def test_a_mail_links_by_way_of_us_and_tells_of_no_subscriber(issue: Issue) -> None:
    """In HTML and text, where it is on; the same link for all, without a subscriber in it."""
    story = first(issue)
    for part in mail_of(issue):
        assert links.story_url(issue, story) in part
        assert story.url not in part
    Newsletter.objects.update(redirect_links=False)
    issue = Issue.objects.select_related("newsletter__publication").get()
    for part in mail_of(issue):
        assert story.url in part
        assert "/r/" not in part


def test_a_story_taken_back_leads_to_its_note(client: Client, issue: Issue) -> None:
    """In mails that have arrived; the other story's link leads on."""
    remaining, retracted = issue.stories.order_by("position")
    retracting.retract(issue, retracted.pk, f"The count was wrong. {EVIL}", NOON)
    answer = client.get(f"/{way_to(retracted)}")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This story has been retracted" in page
    assert "The count was wrong." in page
    assert retracted.title in page
    assert EVIL not in page
    assert retracted.url not in page
    assert f"/archive/{issue.newsletter.slug}" in page
    assert answer["X-Robots-Tag"] == "noindex"
    assert client.get(f"/{way_to(remaining)}").status_code == 302


def test_an_article_taken_back_everywhere_leads_to_a_note_too(client: Client, issue: Issue) -> None:
    """In issues that are over as well; without a word of the editors' it says that it was they."""
    story = first(issue)
    assert story.article
    story.article.retracted_at = LONG_AGO
    story.article.save()
    assert (
        "The editors have retracted this story." in client.get(f"/{way_to(story)}").content.decode()
    )


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "ftp://x.example/", "", "https://a\r\nb: c"]
)
def test_only_web_addresses_are_followed(client: Client, issue: Issue, url: str) -> None:
    """Whatever was stored."""
    Story.objects.update(url=url)
    assert client.get(f"/{way_to(first(issue))}").status_code == 404
    assert all("/r/" not in part for part in mail_of(issue))


def test_no_other_token_leads_anywhere(client: Client, issue: Issue) -> None:
    """Altered, of another purpose, another issue's story, huge; nor does a query lead elsewhere."""
    story = first(issue)
    good = way_to(story).removeprefix("r/")
    flipped = ("A" if good[0] != "A" else "B") + good[1:]
    invalid_tokens = [
        flipped,
        good + "A",
        links.sign_rows("preferences", issue, story),
        links.sign_rows("story", issue),
        links.sign_rows("story", issue, story, story),
        links.sign("story", issue.pk, story.pk),
        links.sign("story"),
        "x" * 600,
        "é",
    ]
    for token in invalid_tokens:
        assert client.get(f"/r/{token}").status_code == 404
    huge = links.Row(2**80, story.uuid)
    for rows in ((make_issue(), story), (issue, huge), (huge, story), (story, issue)):
        assert client.get(f"/r/{links.sign_rows('story', *rows)}").status_code == 410
    answer = client.get(f"/r/{good}?url=https://evil.example&next=//evil.example")
    assert answer["Location"] == story.url


def test_the_archive_and_editors_templates_follow(issue: Issue) -> None:
    """An issue on the web has the links of its mails, and so have its editors' templates."""
    Newsletter.objects.update(preheader="Read {{ stories[0].url }} first.")
    issue = Issue.objects.select_related("newsletter__publication").get()
    link = links.story_url(issue, first(issue))
    assert link in render_issue(issue)
    assert link in compiled_for(issue).preheader


def test_a_draft_that_is_saved_nowhere_links_directly() -> None:
    """There is nothing yet that a link by way of us could find."""
    newsletter = make_newsletter(redirect_links=True, look_back_hours=24 * 365)
    article = make_article(make_source(newsletter), url="https://courier.example/seals")
    draft = building.draft(newsletter, NOON.replace(hour=13))
    compiled = compile_issue(draft.issue, draft.blocks, draft.stories)
    assert article.url in compiled.text()
    assert "/r/" not in compiled.text()


def test_switching_it_takes_an_approval_away() -> None:
    """All that was approved shows in the mail, its links too."""
    issue = make_issue(make_newsletter(approval="one"), state="draft")
    make_story(issue)
    before = approval.fingerprint(issue)
    issue.newsletter.redirect_links = True
    assert approval.fingerprint(issue) != before


def test_a_welcome_shows_no_story_that_was_taken_back(issue: Issue) -> None:
    """The latest issue comes with it, without that one."""
    assert STORIES >= 2
    Newsletter.objects.update(welcome_with_latest=True)
    remaining, retracted = issue.stories.order_by("position")
    retracting.retract(issue, retracted.pk, "", NOON)
    stories = content._latest_stories([Newsletter.objects.get()])
    assert [story.pk for story in stories] == [remaining.pk]
