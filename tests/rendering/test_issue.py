"""Compiling an issue: what it shows, what it refuses, what it leaves out."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from digest.issues.models import Block
from digest.newsletters.choices import BlockKind
from digest.newsletters.publicity.states import NewsletterState
from digest.rendering.errors import EditorTemplateError, RenderingError
from digest.rendering.issue import LARGEST_HTML, compile_issue
from tests.cast import NOON
from tests.rendering.mails import (
    INES,
    appeal,
    blocks_of,
    compiled,
    issue,
    opened,
    part,
    story,
    wire_faults,
)
from tests.rendering.test_mime import HOSTILE, one_line

ANYTHING = st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE))
PICTURE = {
    "image_url": "https://img.example/seal.jpg",
    "image_alt": "A seal",
    "image_caption": "On the sandbank.",
    "image_credit": "Photo: A. Marsh",
}


def test_subject_is_the_newsletters_template() -> None:
    """Subject and preheader are rendered from what the editor wrote."""
    mail = compiled(
        newsletter={
            "subject": "{{ stories[0].title }} & {{ stories | length }} more",
            "preheader": "{{ stories[1:] | map(attribute='title') | join(' · ') }}",
        }
    )
    assert mail.subject == "Story number 0. & 3 more"
    assert mail.preheader == "Story number 1. · Story number 2."
    assert opened(mail.message(INES))["Subject"] == mail.subject


def test_issues_own_subject_wins() -> None:
    """A subject that the issue has already is kept, and no template is asked."""
    mail = compiled(subject="Result before", newsletter={"subject": "{{ nonsense( }}"})
    assert mail.subject == "Result before"


def test_blank_subject_falls_back_to_the_lead() -> None:
    """A template that gives nothing makes no mail without a subject."""
    assert compiled(newsletter={"subject": "{{ nothing }}"}).subject == "Story number 0."


def test_subject_is_one_line() -> None:
    """Line ends that a template makes are spaces."""
    mail = compiled(newsletter={"subject": "One\r\nBcc: e@e.example\x00{{ '\\n' }}two"})
    assert mail.subject.startswith("One Bcc: e@e.example")
    assert "\n" not in mail.subject
    assert opened(mail.message(INES))["Bcc"] is None


def test_broken_template_is_named() -> None:
    """An editor reads which template is wrong, and where."""
    with pytest.raises(
        EditorTemplateError, match=r"The preheader template cannot be rendered: .*line 1"
    ):
        compiled(newsletter={"preheader": "{{ nope( }}"})


def test_lead_has_picture_caption_and_credit() -> None:
    """The lead is shown with its image, alternative text, caption and credit."""
    text = part(compiled(story(0, **PICTURE)).message(INES), "html")
    assert 'src="https://img.example/seal.jpg"' in text
    assert 'alt="A seal"' in text
    assert "On the sandbank. Photo: A. Marsh" in text


@pytest.mark.parametrize(
    ("alt", "caption", "text"),
    [
        ("A seal", "On the sandbank.", "A seal"),
        ("", "On the sandbank.", "On the sandbank."),
        ("IMG_1234.JPG", "On the sandbank.", "On the sandbank."),
        ("Story number 1", "", ""),
        ("image", "", ""),
    ],
)
def test_every_picture_has_the_text_that_describes_it(alt: str, caption: str, text: str) -> None:
    """The lead's and the others', in the mail and on the web page; "" where there is none."""
    stories = [
        story(
            n,
            title="Story number 1",
            image_url=PICTURE["image_url"],
            image_alt=alt,
            image_caption=caption,
        )
        for n in range(2)
    ]
    mail = compiled(*stories)
    for html in (part(mail.message(INES), "html"), mail.html()):
        pictures = list(lxml_html.fromstring(html).iter("img"))
        assert [picture.get("alt") for picture in pictures] == [text, text]
        links = [next(picture.iterancestors("a")) for picture in pictures]
        assert [link.get("aria-hidden") for link in links] == [None if text else "true"] * 2


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//x.example", "", "https://x y\n", "http://["],
)
def test_only_web_links(url: str) -> None:
    """A story whose address is none of the web is shown without a link, and without its image."""
    mail = compiled(story(0, url=url, image_url=url), story(1, url=url, image_url=url))
    text = part(mail.message(INES), "html")
    assert "Story number 0." in text
    assert "javascript" not in text
    assert "<img" not in text
    assert 'href=""' not in text


def test_markup_in_articles_is_text() -> None:
    """What an article says is shown, never obeyed, in both parts."""
    markup = "<script>alert(1)</script> & {{ 7 * 7 }} <!-- -->"
    mail = compiled(story(0, title=markup, summary=markup, byline=markup, kicker=markup))
    html = part(mail.message(INES), "html")
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ 7 * 7 }}") == 4
    assert markup in part(mail.message(INES), "plain")


@settings(max_examples=25, deadline=None)
@given(title=ANYTHING, summary=ANYTHING, name=ANYTHING)
def test_strangers_texts_keep_the_wire_rules(title: str, summary: str, name: str) -> None:
    """Whatever stands in titles, summaries and names, the mail parses and keeps every rule."""
    mail = compiled(
        story(0, title=f"T {title}", summary=summary, block=f"S {title}"),
        story(1, title=f"U {title}", summary=summary, block=f"S {title}"),
        subject=f"T {title}",
        newsletter={"name": f"N {name}"},
        publication={"name": f"P {name}", "sender_name": name, "postal_address": name},
    )
    raw = mail.message(INES)
    assert wire_faults(raw) == []
    message = opened(raw)
    assert len(message.keys()) == 16
    assert message["Subject"].split() == one_line(mail.subject).split()
    assert INES.unsubscribe_url in part(raw, "html")
    lxml_html.fromstring(part(raw, "html"))


def test_html_has_a_limit_with_the_link_inside() -> None:
    """Beyond 100 KB the lowest-ranked stories go, and it says which; the link to leave stays."""
    stories = [story(n, summary="長い要約。" * 100, **PICTURE) for n in range(40)]
    mail = compiled(*stories, appeal=appeal())
    html = part(mail.message(INES), "html")
    assert mail.dropped == tuple(range(39, 39 - len(mail.dropped), -1))
    assert 0 < len(mail.dropped) < 39
    assert LARGEST_HTML * 0.9 < len(html.encode()) <= LARGEST_HTML
    assert INES.unsubscribe_url in html
    last = 39 - len(mail.dropped)
    for text in (html, part(mail.message(INES), "plain")):
        assert f"Story number {last}." in text
        assert f"Story number {last + 1}." not in text


def test_endless_summaries_are_shortened() -> None:
    """One story cannot fill the mail by itself."""
    mail = compiled(story(0, summary="word " * 50_000), story(1))
    assert mail.dropped == ()
    assert "word…" in mail.text()


def test_heading_goes_with_its_last_story() -> None:
    """A section all of whose stories were dropped has no heading."""
    stories = [story(n, summary="長い要約。" * 100) for n in range(60)]
    stories.append(story(60, block="The last section"))
    mail = compiled(*stories)
    assert 60 in mail.dropped
    assert "The last section" not in mail.html()
    assert "The last section" not in mail.text()


def test_date_is_the_publications_day() -> None:
    """The date line follows the publication's zone and the newsletter's language."""
    auckland = {"timezone": "Pacific/Auckland", "language": "de"}
    assert "Dienstag, 24. November 2026" in compiled(publication=auckland).text()
    assert "Monday, 23 November 2026" in compiled().text()


def test_date_is_that_of_sending() -> None:
    """An issue whose time was changed has the new day, in its subject's template too."""
    template = {"subject": "Tide of {{ issue.date }}"}
    mail = compiled(newsletter=template, send_at=NOON + timedelta(days=2))
    assert "Wednesday, 25 November 2026" in mail.text()
    assert mail.subject == "Tide of Wednesday, 25 November 2026"


def test_right_to_left_is_mirrored() -> None:
    """A Hebrew newsletter runs from right to left, to the last table."""
    stories = [story(n, title=f"סיפור {n}", summary="הגאות חזרה.") for n in range(3)]
    html = compiled(*stories, newsletter={"language": "he"}, appeal=appeal()).html()
    root = lxml_html.fromstring(html)
    assert root.get("dir") == "rtl"
    assert root.get("lang") == "he"
    assert {table.get("dir") for table in root.iter("table")} == {"rtl"}
    assert "text-align:left" not in html


def test_the_footer_is_in_the_newsletters_language() -> None:
    """With the date, and English where there is no catalog."""
    text = part(compiled(newsletter={"language": "de-AT"}).message(INES), "plain")
    assert "Montag, 23. November 2026" in text
    assert "\nAbbestellen:\n" in text
    text = part(compiled(newsletter={"language": "ja"}).message(INES), "plain")
    assert "2026年11月23日 月曜日" in text
    assert "\nUnsubscribe:\n" in text


def test_accessible_structure() -> None:
    """Tables are for layout only, pictures have an alt, there is one first heading."""
    mail = compiled(story(0, **PICTURE), story(1, image_url="https://img.example/x.jpg"))
    root = lxml_html.fromstring(mail.html())
    assert {table.get("role") for table in root.iter("table")} == {"presentation"}
    assert all(image.get("alt") is not None for image in root.iter("img"))
    assert len(list(root.iter("h1"))) == 1
    assert root.get("lang") == "en"


def test_nothing_is_fetched_but_pictures() -> None:
    """No remote style sheet, font, script or counting pixel."""
    root = lxml_html.fromstring(compiled(story(0, **PICTURE)).html())
    assert [image.get("src") for image in root.iter("img")] == [PICTURE["image_url"]]
    assert not list(root.iter("link", "script", "iframe", "object", "form"))
    assert "url(" not in lxml_html.tostring(root, encoding="unicode")


def test_dark_rules_survive_inlining() -> None:
    """Media queries keep their !important, which is what beats an inlined style."""
    html = compiled().html()
    assert "@media (prefers-color-scheme: dark)" in html
    assert "!important" in html
    assert 'content="light dark"' in html


def test_preheader_is_hidden_and_in_mail_only() -> None:
    """The preheader comes first in the mail's body, and not on the web."""
    mail = compiled(preheader="Seals & more")
    body = lxml_html.fromstring(part(mail.message(INES), "html")).find("body")
    assert body is not None
    first = body.find("div/div")
    assert first is not None
    assert (first.text or "").startswith("Seals & more")
    assert "display:none" in (first.get("style") or "")
    assert "Seals" not in mail.html()


def test_text_part_reads_alone() -> None:
    """Sections are underlined, lines wrapped, addresses whole on lines of their own."""
    long = "https://courier.example/" + "a-very-long-path/" * 10
    mail = compiled(story(0), story(1, summary="seal " * 60, url=long), appeal=appeal())
    text = part(mail.message(INES), "plain")
    assert "\nLatest Stories\n==============\n" in text
    assert f"\n{long}\n" in text
    assert "\nSupport us:\nhttps://courier.example/support\n" in text
    assert f"\nUnsubscribe:\n{INES.unsubscribe_url}\n" in text
    assert all(len(line) <= 72 for line in text.splitlines() if "://" not in line)


def test_lines_of_the_text_part_fit() -> None:
    """Only addresses have more than 72 columns; headlines hang behind their dash."""
    long = "A name of many words that goes on and on " * 4
    question = {"question": "Well?", "answers": [long]}
    newsletter = {"name": long, "contents_from": 1, "state": NewsletterState.LIVE}
    rows = [story(0, title=long), story(1)]
    blocks = [
        *blocks_of(rows, appeal(button=long)),
        Block(position=8, kind=BlockKind.SPONSOR, appeal=appeal(label=long, button=long)),
        Block(position=9, kind=BlockKind.FEEDBACK, content=question),
    ]
    mail = compile_issue(issue(newsletter=newsletter), blocks, rows).message(INES)
    text = part(mail, "plain")
    assert "Sign up for" in text
    assert [line for line in text.splitlines() if len(line) > 72 and " " in line.strip()] == []
    listed = text.partition("In this issue")[2].splitlines()[3:]
    assert listed[0].startswith("- A name of many words")
    assert listed[1].startswith("  ")
    assert listed[1].strip()


def test_story_without_a_title_is_refused() -> None:
    """An error of the data is said in words."""
    with pytest.raises(RenderingError, match="Story 1 has no title"):
        compiled(story(0), story(1, title=" \x00 "))


def test_marks_are_gone() -> None:
    """Nothing of the cutting marks is left in any form of the mail."""
    mail = compiled(story(0), appeal=appeal())
    assert "<!--x" not in mail.html()
    assert "slot" not in mail.text()
