"""Stories, names and addresses in the other direction of writing than their issue."""

import re

import pytest
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.articles import cleaning, parsing
from digest.core.languages import text_direction
from digest.issues.models import Story
from digest.rendering import letters
from digest.rendering.directions import set_lines
from tests.articles.publisher import CASES
from tests.rendering.mails import INES, appeal, compiled, issue, part, story

ISOLATED = re.compile("[\u200e\u200f][\u2066\u2067][^\u2069\n]*\u2069")
ISOLATES = re.compile("[\u2066-\u2069]")
HEBREW, ENGLISH, ARABIC = range(3)  # the stories of the case, in its order


def stories() -> list[Story]:
    """The Hebrew, English and Arabic story of the case."""
    body = (CASES / "feeds/r25-rtl.xml").read_bytes()
    entries = cleaning.cleaned(parsing.parse_feed(body, "http://site.example/feed")).entries
    return [
        story(number, title=entry.title, summary=entry.summary, url=entry.url)
        for number, entry in enumerate(entries)
    ]


def block_of(html: str, title: str) -> HtmlElement:
    """Return the cell of the story with this title."""
    headings = [
        h
        for h in lxml_html.fromstring(html).iter("h2", "h3")
        if "".join(map(str, h.itertext())) == title
    ]
    return next(headings[0].iterancestors("td"))


@pytest.mark.parametrize("language", ["en", "he", "ar", "de"])
def test_each_story_is_set_in_its_own_direction(language: str) -> None:
    """In an issue of either direction: `dir`, and the side on which its lines begin."""
    rows = stories()
    html = compiled(*rows, newsletter={"language": language}).html()
    for number, direction, side in (
        (HEBREW, "rtl", "right"),
        (ENGLISH, "ltr", "left"),
        (ARABIC, "rtl", "right"),
    ):
        cell = block_of(html, rows[number].title)
        assert cell.get("dir") == direction
        assert re.findall(r"text-align: ?(\w+)", cell.get("style")) == [side]


@pytest.mark.parametrize("language", ["en", "he"])
def test_a_text_part_isolates_what_runs_the_other_way(language: str) -> None:
    """Each line of such a story, whichever direction the mail program gives to lines; no link."""
    rows = stories()
    text = part(compiled(*rows, newsletter={"language": language}).message(INES), "plain")
    turned = ISOLATED.findall(text)
    for row in rows:
        is_turned = text_direction(row.title) != {"en": "ltr", "he": "rtl"}[language]
        assert any(row.title in line for line in turned) == is_turned
        assert row.url in text.split()


def test_the_subscribers_address_reads_from_left_to_right() -> None:
    """In a Hebrew sentence, in both parts."""
    message = compiled(newsletter={"language": "he"}).message(INES)
    assert f'<bdi dir="ltr">{INES.email}</bdi>' in part(message, "html")
    assert f"\u2066{INES.email}\u2069" in part(message, "plain")


def test_names_and_postal_addresses_keep_their_order() -> None:
    """An English street in a Hebrew mail does not begin with its last word."""
    fields = {"newsletter": {"language": "he"}, "publication": {"postal_address": "1 Quay Street"}}
    html = compiled(appeal=appeal(), **fields).html()
    assert '<bdi dir="ltr">1 Quay Street</bdi>' in html
    heading = next(
        h
        for h in lxml_html.fromstring(html).iter("h2")
        if "message" in "".join(map(str, h.itertext()))
    )
    assert heading.get("dir") == "ltr"


def test_a_mail_in_one_direction_has_no_marks() -> None:
    """Nothing is added where nothing needs it."""
    message = compiled(appeal=appeal()).message(INES)
    assert not re.search("[\u200e\u200f\u2066-\u2069]", part(message, "plain"))
    assert 'dir="rtl"' not in part(message, "html")


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("BBC: הסירה חזרה לנמל הבוקר", "rtl"),
        ("The word שלום means peace", "ltr"),
        ("2026: 28.11. (!)", "ltr"),
        ("۱۲۳ خبر", "rtl"),
        ("«قایق» ABC", "rtl"),
        ("日本のニュース", "ltr"),
        ("ab אב", "ltr"),
    ],
)
def test_most_letters_decide(text: str, direction: str) -> None:
    """Not the first one, which may belong to a foreign name; figures and marks do not count."""
    assert text_direction(text) == direction


def test_lines_that_begin_with_a_foreign_name_are_marked() -> None:
    """A mail program would set them the wrong way, even in an issue of their own direction."""
    assert set_lines("BBC אמר\n\nאמר", "rtl", "rtl") == "\u200f\u2067BBC אמר\u2069\n\nאמר"


def test_names_in_notices_are_isolated_in_the_other_direction() -> None:
    """A Hebrew sentence about an English newsletter, and where to write to."""
    newsletter, publication = (row := issue().newsletter), row.publication
    confirmation = letters.confirm([newsletter], publication, "he")
    assert f"\u2068{newsletter.name}\u2069" in confirmation.paragraphs[0]
    assert f"\u2068{publication.name}\u2069" in confirmation.paragraphs[0]
    commands = letters.email_commands([newsletter], publication, "in.example", "he")
    assert "\u2066subscribe+morning-tide@in.example\u2069" in commands.paragraphs[0]
    assert not any(
        map(ISOLATES.search, letters.confirm([newsletter], publication, "de").paragraphs)
    )
    assert not ISOLATES.search(confirmation.subject)
