"""What may stand in a mail, and what a summary is made of."""

# ruff: noqa: E501, RUF001  a case a line reads best, in every script

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.articles import cleaning
from digest.articles.parsing.base import Document, Entry, Image
from digest.articles.plain_text import LONGEST_MARKUP


@pytest.mark.parametrize(
    ("markup", "cleaned"),
    [
        ("<p style='x' class='y' id='z' onclick='a()'>Tide</p>", "<p>Tide</p>"),
        ("<script>alert(1)</script><style>p{}</style><p>Tide</p>", "<p>Tide</p>"),
        ("<iframe src='https://x.example'></iframe><form><input></form><p>Tide</p>", "<p>Tide</p>"),
        ("<a href='javascript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href=' JaVaScRiPt:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href='data:text/html,x'>x</a>", "<a>x</a>"),
        ("<a href='/relative'>x</a>", "<a>x</a>"),
        ("<a href='//host.example/x'>x</a>", "<a>x</a>"),
        (
            "<a href='https://c.example/?a=1&amp;b=2' target='_blank'>x</a>",
            '<a href="https://c.example/?a=1&amp;b=2">x</a>',
        ),
        ("<a href='mailto:desk@c.example'>x</a>", '<a href="mailto:desk@c.example">x</a>'),
        ("<img src='data:image/png;base64,AA'>", ""),
        ("<img src='https://c.example/p.gif' width=1 height=1>", ""),
        ("<img src='https://c.example/p.gif' width='0px'>", ""),
        ("<p><a href='https://c.example'><img src='https://pixel.wp.com/b.gif?x'></a></p>", ""),
        (
            "<img src='https://c.example/a.jpg' onerror='x' srcset='y' alt='A'>",
            '<img src="https://c.example/a.jpg" alt="A">',
        ),
        ("<svg><script>alert(1)</script></svg><math><mi>x</mi></math>", ""),
        ("<p>Tide<!-- comment --></p>", "<p>Tide</p>"),
        ("Tide &amp; time <b>wait", "Tide &amp; time <b>wait</b>"),
        ("1 < 2", "1 &lt; 2"),
        ("", ""),
    ],
)
def test_bodies_keep_text_and_lose_the_rest(markup: str, cleaned: str) -> None:
    """An allow-list, for mails that are opened anywhere and pages under our own name."""
    assert cleaning.body(markup) == cleaned


@given(st.text(alphabet=st.sampled_from("<>/=\"' abhref:script&#;!-\r\n\x00\u2028"), max_size=80))
def test_nothing_cleaned_can_run(markup: str) -> None:
    """Whatever is thrown at it, no script, handler or foreign scheme comes out, and it is stable."""
    cleaned = cleaning.body(markup)
    assert "<script" not in cleaned
    assert "\x00" not in cleaned
    assert cleaning.body(cleaned) == cleaned


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\nTwo\nThree"),
        ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
        ("a&nbsp;b &amp;amp; c", "a b &amp; c"),
        ("<script>x</script>One<style>y</style>", "One"),
        ("Bold<b>er</b>", "Bolder"),
        ("<p>1 &lt; 2</p>", "1 < 2"),
    ],
)
def test_text_has_blocks_on_lines_of_their_own(markup: str, text: str) -> None:
    """Inline tags vanish without a trace; blocks part lines; entities are decoded once."""
    assert cleaning.text(markup) == text


@pytest.mark.parametrize(
    "bad", ["\r\n", "\r", "\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\t"]
)
def test_a_line_is_one_line(bad: str) -> None:
    """Everything that some program takes for a line's end becomes a space."""
    assert cleaning.one_line(f"Subject{bad}Bcc: e@e.example") == "Subject Bcc: e@e.example"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Harbour\U000e0041\U000e0042", "Harbour"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f wins",) * 2,
        ("\U0001f3f4\U000e0041\U000e0042 sails", "\U0001f3f4 sails"),
        ("a\ufff9b\ufffac\ufffb", "abc"),
        ("a\u2061b\u206fc\U0001d173d", "abcd"),
        ("👩\u200d🚒 می\u200cخواهم",) * 2,
    ],
)
def test_nothing_is_hidden_in_a_line(text: str, line: str) -> None:
    """Tag characters spell flags and nothing else; what joins letters and emoji stays."""
    assert cleaning.one_line(text) == line


@given(st.text(max_size=60))
def test_a_line_is_always_printable(value: str) -> None:
    """Nothing unseen but joiners and marks, no line end, no NUL; cleaning twice changes nothing."""
    line = cleaning.one_line(value)
    assert len(line.splitlines()) <= 1
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in line)
    assert cleaning.one_line(line) == line


@pytest.mark.parametrize(
    ("paragraphs", "limit", "summary"),
    [
        ("One is short.", 280, "One is short."),
        ("One. Two is longer. Three", 20, "One. Two is longer."),
        (
            "Dr. Creek of the U.S. Navy spoke. Then more was said by all.",
            40,
            "Dr. Creek of the U.S. Navy spoke.",
        ),
        (
            "Am 3. Mai kam die Flut. Danach kam lange Zeit gar nichts.",
            30,
            "Am 3. Mai kam die Flut.",
        ),
        ("“Is it?” she asked. “It is!” he said, and left the room.", 30, "“Is it?” she asked."),
        (
            "It cost 3.5 million. The rest is still not known to anybody.",
            30,
            "It cost 3.5 million.",
        ),
        ("潮が満ちた。船は待った。そして郵便が来た。", 14, "潮が満ちた。船は待った。"),
        ("「潮だ。」と彼は言った。船は待った。", 13, "「潮だ。」と彼は言った。"),
        ("ارتفع المد؟ انتظرت العبارة البريد طويلا جدا", 20, "ارتفع المد؟"),
        ("پانی چڑھ گیا۔ کشتی ڈاک کا انتظار کرتی رہی", 20, "پانی چڑھ گیا۔"),
        ("ज्वार आया। नाव डाक की प्रतीक्षा करती रही", 20, "ज्वार आया।"),
        ("No end in sight for this sentence at all", 20, "No end in sight for…"),
        ("潮" * 30, 10, "潮" * 9 + "…"),
        ("", 10, ""),
    ],
)
def test_a_summary_is_whole_sentences(paragraphs: str, limit: int, summary: str) -> None:
    """Abbreviations, initials and ordinals end no sentence; marks of other scripts do."""
    sentences = cleaning.first_sentences(paragraphs, limit)
    assert sentences == summary
    assert len(sentences) <= limit


def clean(**fields: object) -> Entry:
    """Return one entry cleaned."""
    return cleaning.cleaned(Document("rss", entries=(Entry(**fields),))).entries[0]  # type: ignore[arg-type]  # any fields


@pytest.mark.parametrize(
    "summary",
    [
        "<p>The tide rose.</p><p>The post <a>Tide</a> appeared first on <a>The Courier</a>.</p>",
        "The tide rose. <a href='x'>Continue reading...</a>",
        "The tide rose. Read full article >>",
        "The tide rose. […]",
        "The tide rose. Related: The ebb of the year",
        "<figure><img src='x'><figcaption>A caption</figcaption></figure>The tide rose.",
    ],
)
def test_a_summary_ends_where_the_writer_ended(summary: str) -> None:
    """What blogging software adds is taken off, captions too."""
    assert clean(title="Tides", summary=summary).summary == "The tide rose."


def test_a_missing_summary_comes_from_the_body() -> None:
    """The first sentences of the prose, without captions."""
    body = (
        "<figure><figcaption>A quay</figcaption></figure><p>The tide rose.</p>"
        + "<p>More. </p>" * 90
    )
    summary = clean(title="Tides", body_html=body).summary
    assert summary.startswith("The tide rose. More.")
    assert len(summary) <= 280


def test_a_summary_that_is_the_whole_article_is_shortened() -> None:
    """Some feeds have nothing but a description, with all of the text in it."""
    assert len(clean(title="Tides", summary="The tide rose and fell again. " * 100).summary) <= 280


def test_an_entry_without_a_title_is_named_by_its_first_sentence() -> None:
    """A digest needs something to show and to link."""
    assert clean(body_html="<p>The tide rose. It fell.</p>").title == "The tide rose. It fell."


def test_unsafe_addresses_are_dropped() -> None:
    """Only absolute web addresses go into links and images."""
    cleaned_entry = clean(
        url="javascript:alert(1)", image=Image("file:///x.jpg", "alt", "caption", "credit")
    )
    assert (cleaned_entry.url, cleaned_entry.image) == ("", Image())


@pytest.mark.parametrize(
    "byline", ["By Ada Marsh", "by  Ada Marsh", "Von Ada Marsh", "<a>Ada Marsh</a>"]
)
def test_bylines_lose_their_by(byline: str) -> None:
    """Templates add the word in the issue's own language."""
    assert clean(byline=byline).byline == "Ada Marsh"


def test_a_text_longer_than_any_article_is_cut() -> None:
    """A feed's five megabytes of `&` would keep nh3 busy for minutes, and the worker with it."""
    text = cleaning.text("<b>" + "& " * 2_000_000)
    assert 0 < len(text) <= LONGEST_MARKUP
    assert cleaning.body("<p>Tide</p>" + " & " * 2_000_000).startswith("<p>Tide</p>")
