"""What an editor is told before an issue goes out, without asking any other server."""

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from digest.articles.models import Article
from digest.issues.models import Issue
from digest.newsletters.models import Newsletter, Publication
from digest.pictures.models import Picture
from digest.sending import preflight
from digest.sending.preflight import CHECKS, Level
from tests.cast.articles import make_article
from tests.cast.issues import make_issue, make_story
from tests.cast.newsletters import make_appeal, make_newsletter, make_schedule
from tests.cast.subscribers import make_subscriber
from tests.clock import NOON
from tests.sending.preflight.conftest import Findings

pytestmark = pytest.mark.django_db
PICTURE = "5b7c1b52-2a0c-4b3f-8f0d-5a6f0f1f2a3b"
JPEG = "https://courier.example/a.jpg"


def test_of_a_sound_issue_it_is_said_what_passed(issue: Issue) -> None:
    """With how much was looked at; each check has a name for people."""
    results = preflight.examine(issue, NOON, network=False)
    assert (results.findings, results.is_ready) == ([], True)
    passed = {row.check: row.summary for row in results.passed}
    assert passed["stories"] == "1 story, published and each once"
    assert passed["recipients"] == "1"
    assert "KB of 102" in passed["mail"]
    quick = ("blocks", "subject", "dates", "accessibility", "colours", "sender", "timing")
    assert passed.keys() == {"stories", "recipients", "mail", *quick}
    assert passed.keys() <= CHECKS.keys()


def test_findings_of_one_kind_are_one_line_with_a_place_for_each_story(
    issue: Issue, findings: Findings
) -> None:
    """The place is an anchor on the issue's page; what stops the issue comes first."""
    early = make_story(issue, article=make_article(available_at=NOON + timedelta(hours=1)))
    orphan = make_story(issue)
    twin = make_story(issue, article=make_article(), url=orphan.url)
    bare = [make_story(issue, article=make_article(), url="") for _ in range(2)]
    rows = findings("stories")
    places = [(row.level, [place.anchor for place in row.places]) for row in rows]
    assert places == [
        (Level.STOP, [f"story-{early.pk}"]),
        (Level.WARN, [f"story-{orphan.pk}"]),
        (Level.WARN, [f"story-{twin.pk}"]),
        (Level.WARN, [f"story-{story.pk}" for story in bare]),
    ]
    assert rows[-1].problem == "2 stories are without a link."


def test_a_story_whose_article_was_corrected_since_is_named(
    issue: Issue, findings: Findings
) -> None:
    """A story is a snapshot, so a correction does not reach it by itself."""
    story = issue.stories.get()
    assert findings("stories") == []
    Article.objects.filter(pk=story.article_id or 0).update(revision=story.revision + 1)
    [row] = findings("stories")
    assert (row.level, [place.story for place in row.places]) == (Level.WARN, [story.pk])
    assert row.problem == "1 story is of an article that was corrected since."


def test_what_must_not_be_sent_is_stopped(
    issue: Issue, findings: Findings, settings: Settings
) -> None:
    """No story, no postal address, no mail server, a template that breaks; no subscriber warns."""
    Publication.objects.update(postal_address=" ")
    settings.DIGEST_SMTP_URL = ""
    issue.newsletter.subscriptions.all().delete()
    texts = " ".join(f"{row.level} {row.problem}" for row in findings())
    assert "stop The publication has no postal address" in texts
    assert "stop Nothing can be sent from courier.example" in texts
    assert "warn No subscriber would receive it" in texts
    Newsletter.objects.update(subject="{{ 1 / 0 }}")
    Issue.objects.update(revision=2, subject="")
    (broken,) = [row for row in findings("mail") if "rendered" in row.problem]
    assert broken.level is Level.STOP
    issue.stories.all().delete()
    assert "The issue has no stories." in str(findings("stories"))


@pytest.mark.parametrize(
    ("alt", "caption", "is_missing"),
    [
        ("", "", True),
        ("IMG_1234.JPG", "", True),
        ("photo", "", True),
        ("Seals are back", "", True),
        ("", "Grey seals on the sandbank", False),
        ("Forty grey seals on a sandbank", "", False),
    ],
)
def test_pictures_that_nothing_describes_are_one_line_with_a_field_for_each(
    issue: Issue, findings: Findings, alt: str, caption: str, *, is_missing: bool
) -> None:
    """A file's name, the word “photo” and the headline are not descriptions; a caption is one."""
    stories = [
        make_story(
            issue,
            article=make_article(),
            title="Seals are back",
            image_url=JPEG,
            image_alt=alt,
            image_caption=caption,
        )
        for _ in range(3)
    ]
    rows = findings("pictures")
    assert len(rows) == is_missing
    for row in rows:
        assert (row.problem, row.fix) == ("3 pictures have no description.", "image_alt")
        assert [place.story for place in row.places] == [story.pk for story in stories]


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("https://courier.example/a.webp", True),
        ("https://courier.example/a.AVIF?w=600", True),
        ("https://img.example/a?fm=webp&w=600", True),
        ("https://img.example/upload/f_avif,w_600/a", True),
        ("https://courier.example/a.svg", True),
        ("https://courier.example/a.webp.jpg", False),
        ("https://courier.example/webp/a.jpg?from=avif", False),
        ("https://img.example/a?auto=format", False),
    ],
)
def test_pictures_that_some_mail_clients_cannot_show_are_named(
    issue: Issue, findings: Findings, url: str, *, is_named: bool
) -> None:
    """In plain language, with the stories they belong to."""
    for number in range(2):
        make_story(
            issue,
            article=make_article(),
            title=f"Seals {number}",
            image_url=url,
            image_alt="Seals on a quay",
        )
    rows = findings("pictures")
    assert len(rows) == is_named
    for row in rows:
        assert "Outlook" in row.problem
        assert row.problem.endswith("as those of “Seals 0”, “Seals 1”.")


def test_pictures_of_ours_are_judged_by_what_became_of_them(
    issue: Issue, findings: Findings
) -> None:
    """One that is served as JPEG is not a WebP any more; one that was refused is left out."""
    story = make_story(
        issue, article=make_article(), image_url=f"{JPEG}.webp", image_alt="Seals on a quay"
    )
    picture = Picture.objects.create(
        publication_id=issue.newsletter.publication_id,
        source_url=f"{JPEG}.webp",
        state=Picture.State.REFUSED,
        problem="It is 20 pixels wide.",
        created_at=NOON,
    )
    story.picture = picture
    story.save()
    problems = {row.problem: row.places[0].detail for row in findings("pictures")}
    assert problems["1 picture cannot be used and will be left out."] == "It is 20 pixels wide."


DOCUMENT = {
    "type": "doc",
    "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Since 22 November"}]},
        {"type": "paragraph", "content": [{"type": "text", "text": "It was 21 November."}]},
    ],
}
Content = dict[str, object]
OPTIONAL: Content = {"author": "", "description": "", "alt": ""}
EMPTY = {"type": "doc", "content": [{"type": "paragraph"}]}


@pytest.mark.parametrize(
    ("kind", "unfinished", "finished", "problem"),
    [
        ("note", {}, {"document": DOCUMENT}, "without any text"),
        ("note", {"document": EMPTY}, {"document": DOCUMENT}, "without any text"),
        ("text", {"document": EMPTY}, {"document": DOCUMENT}, "without any text"),
        ("image", {}, {"picture": PICTURE, "alt": "A seal"}, "without a picture"),
        ("image", {"picture": PICTURE}, {"picture": PICTURE, "caption": "A seal"}, "describes"),
        ("link", {"url": JPEG}, {"url": JPEG, "title": "Seals"}, "without a title"),
        ("media", {"title": "Seals"}, {"url": JPEG, "title": "Seals"}, "without a link"),
        (
            "feedback",
            {"question": "Did you like it?", "answers": ["Yes"]},
            {"question": "Did you like it?", "answers": ["Yes", "No"]},
            "without a question and two answers",
        ),
    ],
)
def test_unfinished_blocks_are_named(
    issue: Issue,
    findings: Findings,
    kind: str,
    unfinished: Content,
    finished: Content,
    problem: str,
) -> None:
    """Each kind by what it needs; a hidden block is in no mail."""
    block = issue.blocks.create(kind=kind, position=20, content=OPTIONAL | unfinished)
    (row,) = findings("blocks")
    assert (row.level, row.places[0].anchor) == (Level.WARN, f"block-{block.pk}")
    assert problem in row.problem
    block.hidden = True
    block.save()
    assert findings("blocks") == []
    block.hidden, block.content = False, OPTIONAL | finished
    block.save()
    assert findings("blocks") == []


@pytest.mark.parametrize(
    ("kind", "label", "number"),
    [("sponsor", " ", 1), ("sponsor", "Sponsored", 0), ("appeal", " ", 0)],
)
def test_a_sponsor_without_a_label_is_named(
    issue: Issue, findings: Findings, kind: str, label: str, number: int
) -> None:
    """Advertising says who pays; the publication's own appeal does not have to."""
    appeal = make_appeal(issue.newsletter.publication, kind=kind, label=label)
    issue.blocks.create(kind=kind, position=20, appeal=appeal)
    assert len(findings("blocks")) == number


def test_dates_in_a_note_are_notes(issue: Issue, findings: Findings) -> None:
    """It has no date of its own: those just before the day of sending are worth a look."""
    block = issue.blocks.create(kind="note", position=20, content=OPTIONAL | {"document": DOCUMENT})
    (row,) = findings("dates")
    assert (row.level, row.places[0].anchor) == (Level.INFO, f"block-{block.pk}")
    assert row.problem.endswith("a date that has passed: 21 November.")


def test_subject_and_preview_text_are_checked(issue: Issue, findings: Findings) -> None:
    """A long subject, no preview text; a preview text that says the same."""
    Newsletter.objects.update(subject="Tide " * 20, preheader="")
    assert {row.places[0].anchor for row in findings("subject")} == {"subject", "preheader"}
    Issue.objects.update(subject="High tide", preheader="High Tide", revision=9)
    (row,) = findings("subject")
    assert "repeats the subject" in row.problem


@pytest.mark.parametrize(("subject", "number"), [("High tide ", 1), ("Low tide", 0)])
def test_a_subject_of_the_last_issue_is_named(
    issue: Issue, findings: Findings, subject: str, number: int
) -> None:
    """Of the one that went out last; one that did not go out does not count."""
    Newsletter.objects.update(subject="High tide")
    day = timedelta(days=1)
    make_issue(
        issue.newsletter, slot=NOON - day, planned_at=NOON - day, state="sent", subject=subject
    )
    make_issue(
        issue.newsletter, slot=NOON - day / 2, state="skipped", reason="-", subject="High tide"
    )
    rows = findings("subject")
    assert [row.problem for row in rows] == ["The last issue had the same subject."] * number


@pytest.mark.parametrize(
    ("summary", "written", "levels"),
    [
        ("The concert is on 22 November.", 4, [Level.WARN]),
        ("The concert is on 24 November.", 4, []),
        ("The council met on 18 November.", 4, []),  # before it was published: news
        ("The council meets tomorrow.", 4, [Level.INFO]),
        ("The council meets tomorrow.", 0, []),
        ("The council met.", 4, []),
    ],
)
def test_dates_that_have_passed_by_the_day_of_sending_are_named(
    issue: Issue, findings: Findings, summary: str, written: int, levels: list[Level]
) -> None:
    """Only what lay ahead when it was written, so many days before."""
    moment = NOON - timedelta(days=written)
    story = make_story(issue, article=make_article(), summary=summary, published_at=moment)
    rows = findings("dates")
    assert [row.level for row in rows] == levels
    assert [row.places[0].anchor for row in rows] == [f"story-{story.pk}"] * len(levels)


def test_what_a_later_time_makes_stale_is_said(issue: Issue, findings: Findings) -> None:
    """The day that counts is the one of sending, in the publication's zone."""
    issue.stories.update(summary="The fair is on 24 November.", published_at=NOON)
    assert findings("dates") == []
    Issue.objects.update(send_at=NOON + timedelta(days=2))
    (row,) = findings("dates")
    assert "24 November" in row.problem


def test_colours_that_cannot_be_read_are_named(issue: Issue, findings: Findings) -> None:
    """With their contrast, and in which shade links are shown instead."""
    Publication.objects.update(accent="#ffe000", accent_dark="#101010")
    light, dark = findings("colours")
    assert (light.level, "#ffe000 has a contrast of 1.3:1" in light.problem) == (Level.INFO, True)
    assert "dark mode #101010" in dark.problem
    for colour in ("#8ab8e6", ""):  # empty: derived from the accent
        Publication.objects.update(accent="#1d4e89", accent_dark=colour)
        assert findings("colours") == []


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (30, "Another issue of this newsletter follows 30 minutes later."),
        (0, "Another issue of this newsletter is sent at the same time."),
        (-20, "Another issue of this newsletter is sent 20 minutes before."),
        (61, ""),
    ],
)
def test_another_issue_within_the_hour_is_named(
    issue: Issue, findings: Findings, minutes: int, text: str
) -> None:
    """As often as it is scheduled by a person; a skipped one does not go out."""
    moment = NOON + timedelta(minutes=minutes)
    slot = NOON - timedelta(days=1)
    other = make_issue(issue.newsletter, slot=slot, send_at=moment, kind="manual")
    assert [row.problem for row in findings("timing")] == [text] * bool(text)
    Issue.objects.filter(pk=other.pk).update(state="skipped", reason="-")
    assert findings("timing") == []


@pytest.mark.parametrize("state", ["sending", "paused", "sent"])
def test_one_that_has_left_cannot_be_sent_later(
    issue: Issue, findings: Findings, state: str
) -> None:
    """Of this newsletter or of another: what was sent is past."""
    sent = {"slot": NOON - timedelta(minutes=20), "kind": "manual", "state": state}
    make_issue(issue.newsletter, **sent)
    (row,) = findings("timing")
    assert row.problem == "Another issue of this newsletter was sent 20 minutes before."
    assert row.advice == "Send this one later, or skip it."
    Issue.objects.filter(state=state).delete()
    other = make_newsletter(publication=issue.newsletter.publication, name="The Evening Tide")
    issue.newsletter.subscriptions.update(subscriber=make_subscriber(other))
    make_issue(other, **sent)
    (row,) = findings("timing")
    assert row.problem.startswith("The Evening Tide was sent 20 minutes before, to 1 of")


def test_an_issue_for_other_subscribers_is_no_collision(issue: Issue, findings: Findings) -> None:
    """Those who receive it once a day, at the same slot."""
    make_issue(issue.newsletter, cadence="daily")
    assert findings("timing") == []


def test_the_regular_issue_that_follows_is_named(issue: Issue, findings: Findings) -> None:
    """For a manual issue half an hour before the slot; not for the issue of that slot itself."""
    schedule = make_schedule(issue.newsletter, time=(NOON + timedelta(minutes=30)).time())
    schedule.since = NOON - timedelta(days=1)
    schedule.save()
    (row,) = findings("timing")
    assert row.problem == "The regular issue follows 30 minutes later."
    Issue.objects.update(slot=NOON + timedelta(minutes=30))
    assert findings("timing") == []


def test_another_newsletter_to_the_same_people_is_named(issue: Issue, findings: Findings) -> None:
    """With how many they are; one without a common subscriber is none of their business."""
    other = make_newsletter(publication=issue.newsletter.publication, name="The Evening Tide")
    make_issue(other, slot=NOON + timedelta(minutes=45))
    assert findings("timing") == []
    subscriber = make_subscriber(other)
    issue.newsletter.subscriptions.update(subscriber=subscriber)
    (row,) = findings("timing")
    assert (row.level, row.problem) == (
        Level.INFO,
        "The Evening Tide follows 45 minutes later, to 1 of the same subscribers.",
    )
