"""Article pages: what belongs to the article, and what does not."""

# ruff: noqa: E501  a case a line reads best

import time
from contextlib import suppress

import pytest

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.parsing.base import Entry
from tests.articles.publisher import DATA

PARAGRAPHS = [
    "<p>The tide came in at seven and the ferry waited for the post, as it has since the war.</p>",
    "<p>Nobody on the quay could say who had sent for it, or why the lamp was out at the point.</p>",
    "<p>By noon the mail boat was in sight, and with it the harbour master and a crate of eels.</p>",
]


def article(html: str, url: str = "https://courier.example/a") -> Entry:
    """Parse and clean a page; return its article."""
    return cleaning.cleaned(parsing.parse_page(html.encode(), url)).entries[0]


def page(inside: str, head: str = "") -> str:
    """Return a page of three paragraphs of prose and whatever a test is about."""
    return (
        f"<html><head><title>The ferry waits | Courier</title>{head}</head><body><article>"
        f"<h1>The ferry waits</h1>{PARAGRAPHS[0]}{inside}{PARAGRAPHS[1]}{PARAGRAPHS[2]}</article></body></html>"
    )


@pytest.mark.parametrize(
    "boilerplate",
    [
        "Receive latest news",
        "Subscribe",
        "Popular Articles",
        "Latest Stories",
        "Ten best benches",
        "Lamp oil prices",
        "support our work",
        "independent newsroom",
        "staff wrote and edited",
        "Share on Social",
        "Related stories",
        "Herring shoals",
        "Lovely seals",
        "Follow us",
        "Complaints",
        "Donate",
        "Grey seals on Sunday morning",
        "Seals return to the sandbank",
    ],
)
def test_boilerplate_is_not_part_of_the_article(boilerplate: str) -> None:
    """The body is the article alone; headline and caption have fields of their own."""
    entry = article((DATA / "page.html").read_text(), "https://courier.example/2026/seals")
    assert boilerplate not in cleaning.text(entry.body_html)


@pytest.mark.parametrize(
    "block",
    [
        "<section class='donation-story'><p>{}</p></section>".format("Donations rose again. " * 80),
        "<h2>Support for the bill grows</h2>",
        "<section><h3>More on the harbour</h3><p>{}</p></section>".format("It is old. " * 90),
        "<div id='latest'><p>{}</p></div>".format("The harbour master spoke. " * 60),
    ],
)
def test_the_articles_own_text_stays_whatever_it_is_called(block: str) -> None:
    """An article may be about donations, and have headings that sound like boilerplate."""
    assert cleaning.text(block).split("\n")[-1][:60] in cleaning.text(
        article(page(block)).body_html
    )


def test_hidden_labels_are_not_part_of_the_article() -> None:
    """Text for screen readers explains the page's controls, and makes no sense in a mail."""
    body = article(page('<p class="screen-reader-text">Opens in a new window</p>')).body_html
    assert "new window" not in body


def test_of_several_articles_on_one_page_the_first_is_taken() -> None:
    """A page with infinite scrolling holds the next stories too."""
    second = f"<article><h2>Another</h2>{''.join(PARAGRAPHS).replace('quay', 'lantern')}</article>"
    entry = article(page("").replace("</body>", second * 4 + "</body>"))
    assert "quay" in entry.body_html
    assert "lantern" not in entry.body_html


@pytest.mark.parametrize(
    ("figure", "caption", "credit"),
    [
        ("<figure><img src='/a.jpg'><figcaption>The quay. Photo: Ada Marsh/AP</figcaption></figure>", "The quay.", "Photo: Ada Marsh/AP"),
        ("<figure><img src='/a.jpg'><figcaption>The quay, N.Y. (AP Photo/Ada T. Marsh)</figcaption></figure>", "The quay, N.Y.", "AP Photo/Ada T. Marsh"),
        ("<figure><img src='/a.jpg'><figcaption>The quay. (Ada Marsh / Courier)</figcaption></figure>", "The quay.", "Ada Marsh / Courier"),
        ("<figure><img src='/a.jpg'><figcaption>The quay (from the north)</figcaption></figure>", "The quay (from the north)", ""),
        ("<figure><img src='/a.jpg'><figcaption>Der Kai. <span class='credit'>Foto: Enno Priel</span></figcaption></figure>", "Der Kai.", "Foto: Enno Priel"),
        ("<figure><img src='/a.jpg'><figcaption>© Ivo Quay</figcaption></figure>", "", "© Ivo Quay"),
        ("<figure><img src='/a.jpg'><cite>Ada Marsh</cite></figure>", "", "Ada Marsh"),
        ("<div class='wp-caption'><a href='/x'><img src='/a.jpg'></a><p class='wp-caption-text'>The quay</p></div>", "The quay", ""),
        ("<a href='/x'><img src='/a.jpg'></a><p class='caption'>The quay <span class='credit'>Ada Marsh</span></p>", "The quay", "Ada Marsh"),
        ("<img src='/a.jpg' data-caption='The quay. Image by Ada Marsh'>", "The quay.", "Image by Ada Marsh"),
        ("<img src='/a.jpg'>", "", ""),
    ],
)  # fmt: skip
def test_caption_and_credit_are_told_apart(figure: str, caption: str, credit: str) -> None:
    """Sites mark them in a dozen ways, or not at all."""
    image = article(page(figure)).image
    assert image.url == "https://courier.example/a.jpg"
    assert (image.caption, image.credit) == (caption, credit)


def test_the_headline_is_the_editors_not_the_search_engines() -> None:
    """Of several h1 elements it is the one that agrees with the declared title."""
    html = page("", '<meta property="og:title" content="Ferry waits for post - Courier">')
    html = html.replace("<article>", "<h1>The Saltmarsh Courier</h1><article>")
    assert article(html).title == "The ferry waits"


def test_a_page_without_an_article_is_an_error() -> None:
    """A page that is all boilerplate is an error, which names the page."""
    with pytest.raises(ParseError, match="No article was found on https:"):
        article("<html><body><nav><a href='/'>Home</a></nav><p>Hello.</p></body></html>")


@pytest.mark.parametrize("body", ["", "   ", "{}", "plain words", "<rss><channel/></rss>"])
def test_what_is_no_page_is_an_error(body: str) -> None:
    """A feed, JSON or an empty answer is not a page."""
    with pytest.raises(ParseError):
        article(body)


def test_broken_json_ld_is_passed_over() -> None:
    """Broken metadata does not keep the page from being read."""
    head = f'<script type="application/ld+json">{{"@type": </script><script type="application/ld+json">{"[" * 5000}</script>'
    assert article(page("", head)).title == "The ferry waits"


def test_deep_nesting_is_survived() -> None:
    """A page of a hundred thousand open elements is parsed or refused within seconds."""
    start = time.monotonic()
    with suppress(ParseError):
        article(page("<div>" * 100_000 + "<b><i>" * 10_000))
    assert time.monotonic() - start < 10


def test_a_declaration_written_late_is_found() -> None:
    """Templates put comments and scripts before it, more than the 1024 bytes of the standard."""
    head = f"<!-- {'x' * 5000} --><meta charset=windows-1250>"
    html = page("", head).replace("The ferry waits", "Pogłoski").encode("windows-1250")
    assert cleaning.cleaned(parsing.parse_page(html)).entries[0].title == "Pogłoski"


@pytest.mark.parametrize(
    ("address", "head", "date"),
    [
        ("https://courier.example/2019/11/20/ferry", "", "2019-11-20"),
        ("https://courier.example/a", '<meta name="dcterms.date" content="2019-11-20">', "2019-11-20"),
        ("https://courier.example/a", '<script type="application/ld+json">{"@type":"WebPage","datePublished":"2019-11-20T11:00:09Z"}</script>', "2019-11-20"),
        ("https://courier.example/2019/11/20/ferry", '<meta property="article:published_time" content="2019-11-19T07:00:00Z">', "2019-11-19"),
        ("https://courier.example/a", "", None),
    ],
)  # fmt: skip
def test_an_undated_page_is_dated_by_what_it_shows(
    address: str, head: str, date: str | None
) -> None:
    """What the page declares as its article's date comes first."""
    published_at = article(page("", head), address).published_at
    assert (published_at.date().isoformat() if published_at else None) == date
