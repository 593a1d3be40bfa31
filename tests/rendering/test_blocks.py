"""Blocks in mails: what each kind shows in HTML and in text, and where it leaves itself out."""

import pytest
from lxml import html as lxml_html

from digest.issues.models import Block
from digest.newsletters.choices import BlockKind
from digest.rendering.blocks.phishing import is_address, unlinked
from digest.rendering.blocks.views import byline
from digest.rendering.compiled import Compiled
from digest.rendering.issue import compile_issue
from tests.rendering import mails
from tests.rendering.mails import INES, compiled, part, story
from tests.rendering.quality.issues import samples


@pytest.fixture(scope="module")
def compiled_issue() -> Compiled:
    """An issue with a block of each kind."""
    [sample] = [sample for sample in samples() if sample.name == "picture-all-blocks"]
    assert {block.kind for block in sample.blocks} == set(BlockKind.values)
    return sample.compile()


@pytest.mark.parametrize(
    "text",
    [
        "Good morning. The water is back where it belongs",
        "Jane Okafor",
        "Editor in chief",
        "Harbour wall holds",
        "A message from the newsroom",
        "Support us",
        "Sponsored",
        "Marsh &amp; Sons",
        "Your letters on the ferry",
        "nytimes.com: What the sea takes",
        "A heron on the quay",
        "A heron waits for the ferry. Photo: A. Marsh",
        "The Tide Table, episode 42",
        "32 min",
        "How did you like this issue?",
        "It was fine",
    ],
)
def test_each_kind_is_in_both_parts(compiled_issue: Compiled, text: str) -> None:
    """Nothing that an editor wrote is in one part only."""
    raw = compiled_issue.message(INES)
    assert text in part(raw, "html")
    plain = " ".join(part(raw, "plain").split())
    assert text.replace("&amp;", "&") in plain


def test_answers_write_a_mail_to_the_publication(compiled_issue: Compiled) -> None:
    """An answer's link names the answer and the question, and needs no page."""
    root = lxml_html.fromstring(compiled_issue.html())
    links = [link.get("href") or "" for link in root.iter("a") if link.text == "It was fine"]
    subject = "It%20was%20fine%20%28How%20did%20you%20like%20this%20issue%3F%29"
    assert links == [f"mailto:desk@courier.example?subject={subject}"]


def test_image_that_was_deleted_is_left_out() -> None:
    """A block whose picture is not in the library shows nothing, not even its caption."""
    block = Block(kind="image", position=0, content={"picture": "gone", "caption": "A heron"})
    mail = compile_issue(mails.issue(), [block], [])
    assert "A heron" not in mail.html()


@pytest.mark.parametrize(
    ("names", "language", "expected"),
    [
        ("Jane Okafor", "en", "By Jane Okafor"),
        ("By Jane Okafor", "en", "By Jane Okafor"),
        ("by Jane Okafor", "en", "by Jane Okafor"),
        ("Anna Schmidt", "de-AT", "Von Anna Schmidt"),
        ("Von Anna Schmidt", "de", "Von Anna Schmidt"),
        ("Deborah Dean", "fr", "Par Deborah Dean"),
        ("מאת נועה בר", "he", "מאת נועה בר"),
        ("田中 花子", "ja", "田中 花子"),
        ("", "en", ""),
    ],
)
def test_bylines_begin_with_by(names: str, language: str, expected: str) -> None:
    """In the newsletter's language; once; not in a language that Digest does not have."""
    assert byline(names, language) == expected


@pytest.mark.parametrize(
    ("text", "is_changed"),
    [
        ("amazon.com raises prices", True),
        ("“bbc.co.uk” is down", True),
        ("www.example.org moves", True),
        ("3.5 million people", False),
        ("Dr. Who returns", False),
        ("The site amazon.com", False),
        ("St.Pauli wins", True),
    ],
)
def test_domain_at_the_beginning_is_no_link(text: str, is_changed: bool) -> None:  # noqa: FBT001
    """It gets a word joiner, which nobody sees; other headlines stay as they are."""
    assert unlinked(text) == ("\u2060" + text if is_changed else text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://courier.example/seals", True),
        ("www.courier.example", True),
        ("courier.example/seals?page=2", True),
        ("\u2060courier.example", True),
        ("amazon.com raises prices", False),
        ("Seals return", False),
        ("3.5", False),
        ("", False),
    ],
)
def test_text_that_is_an_address(text: str, expected: bool) -> None:  # noqa: FBT001
    """Nothing but an address, with or without its scheme."""
    assert is_address(text) == expected


def test_headline_with_a_domain_is_unlinked_in_the_mail() -> None:
    """The link's text does not begin with the domain; the subject is not changed."""
    mail = compiled(story(0, title="amazon.com raises prices"), newsletter={"subject": ""})
    assert ">\u2060amazon.com raises prices</a>" in part(mail.message(INES), "html")
    assert mail.subject == "amazon.com raises prices"


def test_long_issue_lists_its_headlines() -> None:
    """From eight stories on; a subscriber's list has only what the mail has."""
    mail = compiled(*[story(n) for n in range(8)])
    assert part(mail.message(INES), "html").count(">Story number 3.</a>") == 2
    html = part(mail.message(INES, keys={0, 1}), "html")
    assert "In this issue" in html
    assert "Story number 3." not in html
    assert "In this issue" not in compiled(*[story(n) for n in range(7)]).html()


def test_list_of_headlines_is_in_both_parts_or_in_none() -> None:
    """From as many stories as the newsletter says; 0 is never."""
    rows = [story(n) for n in range(3)]
    mail = compiled(*rows, newsletter={"contents_from": 3}).message(INES, keys={0, 1})
    plain = part(mail, "plain")
    assert "In this issue" in plain
    assert "- Story number 1." in plain
    assert "- Story number 2." not in plain
    many = [story(n) for n in range(12)]
    assert "In this issue" not in compiled(*many, newsletter={"contents_from": 0}).html()


@pytest.mark.parametrize("design", ["picture", "briefing", "compact"])
@pytest.mark.parametrize(
    ("language", "names", "expected"),
    [
        ("en", "Jane Okafor", "By Jane Okafor · 4 min read"),
        ("en", "", "4 min read"),
        ("de", "", "4 Min. Lesezeit"),
        ("ja", "田中 花子", "田中 花子 · 4 min"),
    ],
)
def test_reading_time_is_said_where_it_is_wanted(
    design: str, language: str, names: str, expected: str
) -> None:
    """Rounded up, beside the names, in the newsletter's language, in both parts and any design."""
    rows = [story(n, byline=names, word_count=691 if n else 0) for n in range(2)]
    look = {"design": design, "language": language}
    raw = compiled(*rows, newsletter=look | {"reading_time": True}).message(INES)
    for kind in ("plain", "html"):
        assert part(raw, kind).count(expected) == 1
    assert " min" not in part(compiled(*rows, newsletter=look).message(INES), "plain")


def test_kicker_does_not_repeat_the_heading() -> None:
    """Whatever its case."""
    mail = compiled(story(0), story(1, block="Culture", kicker="CULTURE"))
    assert "CULTURE" not in mail.html()


def test_footer_offers_ways_to_share_and_to_write() -> None:
    """Forward, sign up and reply, in mail and on the web; a private newsletter is not shared."""
    address = {"reply_to": "desk?50%@courier.example"}
    html = compiled(publication=address).html()
    assert 'href="mailto:?subject=The%20Morning%20Tide&amp;body=https%3A%2F%2Fdigest' in html
    assert 'href="https://digest.example/subscribe/morning-tide"' in html
    assert 'href="mailto:desk%3F50%25@courier.example"' in html
    private = compiled(newsletter={"state": "private"}).html()
    assert "Forward" not in private
    assert "/subscribe/" not in private


def test_columns_do_not_need_a_style_sheet() -> None:
    """The columns of a card are fluid by themselves, and Word has a table around them."""
    mail = compiled(story(0), story(1, image_url="https://img.example/x.jpg"))
    html = part(mail.message(INES), "html")
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->")
    root = lxml_html.document_fromstring(html)
    [side_column] = [column for column in root.iter("div") if column.get("class") == "column aside"]
    style = (side_column.get("style") or "").replace(" ", "")
    assert {"display:inline-block", "width:100%", "max-width:206px"} <= set(style.split(";"))


def test_no_colour_attributes_on_pictures() -> None:
    """Word takes `bgcolor` on images for an error."""
    [sample] = [sample for sample in samples() if sample.name == "compact-all-blocks"]
    root = lxml_html.fromstring(sample.compile().html())
    assert [image.get("bgcolor") for image in root.iter("img") if image.get("bgcolor")] == []
