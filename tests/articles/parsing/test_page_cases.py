"""Pages as publishers really write them: each kind of fault with its right value, and siblings."""

# ruff: noqa: E501, RUF001  a case a line reads best; a dash as sites write it

import pytest

from digest.articles import cleaning, parsing
from digest.articles.parsing.base import Entry
from tests.articles.publisher import CASES

PARAGRAPH = (
    "Paragraph {} says enough of the harbour, its ferries and its seals to be read as prose by "
    "whoever looks at this page of the local paper closely."
)
PARAGRAPHS = [PARAGRAPH.format(number) for number in range(1, 6)]
BODY = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS[:3])
TITLE = "Ferries late in the fog"
NAMES = sorted(path.name for path in (CASES / "pages").iterdir())

BYLINE = {"byline": "Ada Marsh"}
CREDITED = {"caption": "The mayor at the quay", "credit": "Photo: Ada Marsh"}
RIGHT: dict[str, dict[str, str]] = {
    "01-comment-eats-text.html": {},
    "03b-control-reference-in-nav.html": {},
    "05-credit-link-in-caption.html": CREDITED,
    "05b-caption-stays-wp.html": CREDITED,
    "06b-time-first-date.html": {},
    "09-two-itemprops.html": {"published": "2019-11-19 11:00:09"},
    "09b-date-on-webpage.html": {"published": "2019-11-19 11:00:09"},
    "09c-time-outside-article.html": {"published": "2019-11-18 20:28:55"},
    "10-staff-note-in-wrapper.html": {"first": "Paragraph 0"},
    "11-genesis-wrapper.html": {"first": "Paragraph 0", "title": "Ferries late"},
    "12-byline-with-date.html": BYLINE | {"published": "2019-11-18 00:00:00"},
    "12b-byline-archive-link.html": BYLINE,
    "13-site-name-in-h1.html": {"title": "Why diverse harbours need the Courier"},
    "14-late-charset.html": {"title": "Pogłoski", "first": "Źle się dzieje"},
    "16-own-address-first.html": {},
}


def article(html: str | bytes) -> Entry:
    """Parse and clean a page; return its article."""
    body = html if isinstance(html, bytes) else html.encode()
    return cleaning.cleaned(parsing.parse_page(body, "https://e.example/fog")).entries[0]


def page(inside: str = "", head: str = "") -> str:
    """Return a page of three paragraphs with something before them."""
    return f"<!doctype html><title>{TITLE}</title>{head}<article><h1>{TITLE}</h1>{inside}{BODY}</article>"


def paragraphs(entry: Entry) -> list[str]:
    """Return the lines of an article's text, captions included."""
    return cleaning.text(entry.body_html).split("\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_gives_its_article(name: str) -> None:
    """Headline, byline, date, caption and credit are each where they belong, and the body begins with prose."""
    entry = article((CASES / "pages" / name).read_bytes())
    right = {
        "title": TITLE,
        "first": "Paragraph 1",
        "byline": "",
        "caption": "",
        "credit": "",
        "published": "",
    }
    right |= RIGHT[name]
    published = f"{entry.published_at:%Y-%m-%d %H:%M:%S}" if entry.published_at else ""
    articles = {
        "title": entry.title, "first": right["first"], "byline": entry.byline,
        "caption": entry.image.caption, "credit": entry.image.credit, "published": published,
    }  # fmt: skip
    assert articles == right
    assert cleaning.text(entry.body_html).startswith(right["first"])
    assert entry.summary.startswith(right["first"])
    assert len(paragraphs(entry)) == (CASES / "pages" / name).read_text("iso-8859-2").count(
        "Paragraph"
    ) + (name.startswith("01"))


def test_a_comment_takes_nothing_with_it() -> None:
    """What follows a comment in a paragraph is text."""
    text = cleaning.text(
        article((CASES / "pages/01-comment-eats-text.html").read_bytes()).body_html
    )
    assert "The ferry was late, and the seals lay on the quay until noon." in text


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- x --><!-- y -->",
        "<!--react-text: 3-->",
        "<?php x ?>",
        "<![endif]>",
        "<!>",
        "<!-->",
        "<!-- a -- b -->",
    ],
)
def test_comments_of_every_kind_part_no_text(comment: str) -> None:
    """Frameworks leave comments and processing instructions inside sentences."""
    entry = article(
        page(
            f"<p>{PARAGRAPHS[3]}</p><p>The <b>fer{comment}ry</b>{comment} was late{comment}, they said.</p>"
        )
    )
    assert "The ferry was late, they said." in cleaning.text(entry.body_html)


@pytest.mark.parametrize(
    "reference", ["&#1;", "&#xB;", "&#55357;", "&#x110000;", "&#xFFFE;", "&#99999999999;", "\x0b"]
)
def test_no_character_loses_a_page(reference: str) -> None:
    """References to what is not a character occur in links, titles and text."""
    nav = f'<nav><a title="a{reference}" href="/b{reference}c">Home</a></nav>'
    entry = article(
        page(f'{nav}<p>Fog{reference} came.</p><img src="/i{reference}.jpg" alt="Fog{reference}">')
    )
    assert paragraphs(entry)[0] == "Fog came."
    assert (entry.image.url, entry.image.alt) == ("https://e.example/i.jpg", "Fog")


@pytest.mark.parametrize(
    ("figure", "caption", "credit"),
    [
        ("<figure><img src='/p.jpg'><figcaption><p>The <a href='/m'>mayor</a>.</p><p>Photo by <a href='/a'>Ada Marsh</a></p></figcaption></figure>", "The mayor.", "Photo by Ada Marsh"),
        ("<figure><img src='/p.jpg'><figcaption><cite><a href='/a'>Ada Marsh</a></cite> The mayor</figcaption></figure>", "The mayor", "Ada Marsh"),
        ("<div class='image'><img src='/p.jpg'><span class='caption'>The mayor</span><span class='credit'><a href='/a'>Ada Marsh</a></span></div>", "The mayor", "Ada Marsh"),
        ("<div class='wp-caption'><a href='/x'><img src='/p-300x200.jpg'></a><p class='wp-caption-text'>The <b>mayor</b>. Credit: <a href='/a'>Ada Marsh</a></p></div>", "The mayor.", "Credit: Ada Marsh"),
        ("<p><img src='/p.jpg'></p><p class='media-caption'>The mayor</p>", "The mayor", ""),
        ("<table class='tr-caption-container'><tr><td><img src='/p.jpg'></td></tr><tr><td class='tr-caption'>The mayor</td></tr></table>", "The mayor", ""),
        ("<figure><img src='/p.jpg'><figcaption>The mayor</figcaption></figure><figure><img src='/q.jpg'><figcaption>Another picture</figcaption></figure>", "The mayor", ""),
    ],
)  # fmt: skip
def test_captions_are_apart_from_the_text(figure: str, caption: str, credit: str) -> None:
    """Neither body nor summary says what stands under a picture."""
    entry = article(page(figure))
    assert (entry.image.caption, entry.image.credit) == (caption, credit)
    assert paragraphs(entry) == PARAGRAPHS[:3]
    assert entry.summary.startswith("Paragraph 1")


def test_a_picture_inside_the_article_stays_where_it_was() -> None:
    """With its alternative text and caption, as a figure; the lead image stands above the body."""
    lead = '<figure><img src="/lead.jpg" alt="Fog"><figcaption>Fog</figcaption></figure>'
    inner = '<figure><img src="/q.jpg" alt="Seals"><figcaption>Seals rest. Photo: Ada Marsh</figcaption></figure>'
    entry = article(page(f"{lead}<p>{PARAGRAPHS[3]}</p>{inner}"))
    before, _, after = entry.body_html.partition(
        '<figure><img src="https://e.example/q.jpg" alt="Seals">'
    )
    assert cleaning.text(before) == PARAGRAPHS[3]
    assert cleaning.text(after).startswith("Seals rest. Photo: Ada Marsh\nParagraph 1")
    assert "lead.jpg" not in entry.body_html


@pytest.mark.parametrize(
    ("head", "alt", "caption"),
    [
        ('<meta property="og:image:alt" content="The mayor on the quay">', "The mayor on the quay", ""),
        ('<meta name="twitter:image:alt" content="The mayor on the quay">', "The mayor on the quay", ""),
        ('<script type="application/ld+json">{"@graph":[{"@type":"ImageObject","url":"/logo.png","caption":"The Courier"},{"@type":"ImageObject","contentUrl":"https://e.example/p.jpg","caption":"The mayor","description":"A woman on a quay"}]}</script>', "A woman on a quay", "The mayor"),
        ('<script type="application/ld+json">{"@type":"NewsArticle","image":{"@type":"ImageObject","url":"https://e.example/p-1200x800.jpg","caption":"The mayor"}}</script>', "", "The mayor"),
        ('<script type="application/ld+json">{"@type":"ImageObject","url":"/logo.png","caption":"The Courier"}</script>', "", ""),
    ],
)  # fmt: skip
def test_a_declared_picture_has_its_declared_words(head: str, alt: str, caption: str) -> None:
    """OpenGraph, Twitter and JSON-LD describe it where the page shows no picture; not the logo's words."""
    image = article(
        page("", f'<meta property="og:image" content="https://e.example/p.jpg">{head}')
    ).image
    assert (image.alt, image.caption) == (alt, caption)


@pytest.mark.parametrize(
    "head",
    [
        '<meta itemprop="dateCreated datePublished" content="2019-11-19T11:00:09Z">',
        '<meta property="og:title article:published_time" content="2019-11-19T11:00:09Z">',
        '<script type="application/ld+json">{"@graph":[{"@type":["WebPage","FAQPage"],"datePublished":"2019-11-19T11:00:09Z"}]}</script>',
        '<meta name="pubdate" content="2019-11-19 11:00:09">',
        '<meta name="DC.date.issued" content="2019-11-19T12:00:09+01:00">',
        '<link rel="x"><meta itemprop="name datePublished" property="x" content="2019-11-19T11:00:09Z">',
    ],
)  # fmt: skip
def test_the_date_is_found_wherever_it_is_declared(head: str) -> None:
    """Its time of day too, not only the day that the page shows."""
    assert str(article(page("", head)).published_at) == "2019-11-19 11:00:09+00:00"


@pytest.mark.parametrize(
    "html",
    [
        f'<title>{TITLE}</title><main><time datetime="2019-11-18T20:28:55Z">x</time><h1>{TITLE}</h1>{BODY}</main>',
        f'<title>{TITLE}</title><div><time datetime="2019-11-18T20:28:55Z">x</time></div><div><h1>{TITLE}</h1>{BODY}</div><aside><time datetime="2018-01-01">y</time></aside>',
        f'<title>{TITLE}</title><nav><time datetime="2018-01-01">y</time></nav><div><h1>{TITLE}</h1><time datetime="2019-11-18T20:28:55Z">x</time>{BODY}</div>',
        f'<title>{TITLE}</title><h1>{TITLE}</h1><time datetime="2019-11-18T20:28:55Z">x</time>{BODY}<div class="comments"><time datetime="2018-01-01">y</time></div>',
        f'<title>{TITLE}</title><article><h1>{TITLE}</h1>{BODY}<time datetime="2018-01-01">y</time><time pubdate datetime="2019-11-18T20:28:55Z">x</time></article>',
    ],
)  # fmt: skip
def test_the_time_nearest_to_the_headline_counts(html: str) -> None:
    """In the article or beside it; not those of comments and of other stories."""
    assert str(article(html).published_at) == "2019-11-18 20:28:55+00:00"


@pytest.mark.parametrize(
    "date", ["12:30", "Today, 12:30", "2 hours ago", "Monday", "yesterday", "now", "12", "November"]
)
def test_a_date_is_never_today(date: str) -> None:
    """A time alone, or a word for one, is not a date."""
    heads = [
        f'<meta property="article:published_time" content="{date}">',
        f'<script type="application/ld+json">{{"@type":"NewsArticle","datePublished":"{date}"}}</script>',
    ]
    assert [article(page("", head)).published_at for head in heads] == [None, None]
    assert (
        article(
            page(f'<time datetime="{date}">{date}</time><span class="date">{date}</span>')
        ).published_at
        is None
    )


@pytest.mark.parametrize(
    "note",
    [
        "<div><div><i>The Saltmarsh Courier staff are a team.</i></div></div>",
        "<section><p>Follow us on every platform</p></section>",
        "<div><p>The Saltmarsh Courier is a newspaper for the coast.</p><p> </p></div>",
        "<p>Saltmarsh Courier editors wrote this.</p>",
        "<blockquote><p>The Saltmarsh Courier newsroom works on the coast.</p></blockquote>",
    ],
)
@pytest.mark.parametrize("wrappers", [0, 1, 3])
def test_notes_at_the_end_go_from_inside_wrappers(note: str, wrappers: int) -> None:
    """However deep the article's blocks stand."""
    inside = f"{'<div>' * wrappers}{BODY}{note}{'</div>' * wrappers}"
    html = f'<title>{TITLE}</title><meta property="og:site_name" content="The Saltmarsh Courier"><h1>{TITLE}</h1>{inside}'
    assert paragraphs(article(html)) == PARAGRAPHS[:3]


@pytest.mark.parametrize(
    "name",
    [
        "content-sidebar-wrap",
        "sidebar-right",
        "site-inner sidebar",
        "comments-open",
        "popular",
        "social-share",
    ],
)
def test_the_element_that_holds_the_text_stays(name: str) -> None:
    """Whatever its class says, and however its paragraphs are parted."""
    start = f'<title>{TITLE}</title><h1>The Courier</h1><div class="{name}"><h2>Ferries late</h2>'
    for markup in (BODY, "<br><br>".join(PARAGRAPHS[:3])):
        entry = article(f"{start}{markup}</div>")
        assert (entry.title, paragraphs(entry)) == ("Ferries late", PARAGRAPHS[:3])


@pytest.mark.parametrize(
    ("byline", "name"),
    [
        ("Ada Marsh | 18/11/2019", "Ada Marsh"),
        ("Written by Ada Marsh on 18 November 2019", "Ada Marsh"),
        ("Published Nov. 18, 2019 by Ada Marsh", "Ada Marsh"),
        ("Posted by Ada Marsh at 12:01 PM", "Ada Marsh"),
        ("Von Ada Marsh, 18. November 2019, 12:01 Uhr", "Ada Marsh"),
        ("Updated: 12:30 | Ada Marsh", "Ada Marsh"),
        ("Ada Marsh · 5 min read", "Ada Marsh"),
        ("Alle Beiträge von Ada Marsh anzeigen", "Ada Marsh"),
        ("Ver todas las entradas de Ada Marsh", "Ada Marsh"),
        ("Voir tous les articles de Ada Marsh", "Ada Marsh"),
        ("More stories from Ada Marsh →", "Ada Marsh"),
        ("Ada Marsh and May Dunn", "Ada Marsh and May Dunn"),
        ("Augusta May", "Augusta May"),
        ("May Marsh", "May Marsh"),
        ("18 November 2019", ""),
        ("5 min read", ""),
    ],
)
def test_a_byline_is_a_name_or_nothing(byline: str, name: str) -> None:
    """Without dates, labels and what the link to the author's page says; and not part of the text."""
    for inside in (
        f'<div class="byline">{byline}</div>',
        f'<p><a rel="author" href="/a">{byline}</a></p>',
    ):
        entry = article(page(inside))
        assert entry.byline == name
        assert not name or paragraphs(entry) == PARAGRAPHS[:3]


@pytest.mark.parametrize(
    ("title", "headings"),
    [
        (
            f"{TITLE} – The Courier",
            f"<header><h1><a href='/'>The Courier</a></h1></header><h2>{TITLE}</h2>",
        ),
        (f"The Courier: {TITLE}", f"<h1>The Courier</h1><h1>{TITLE}</h1>"),
        (f"{TITLE} | e.example", f"<h1>Example</h1><h2>{TITLE}</h2>"),
        (f"{TITLE} | The Courier", f"<h1>{TITLE} | The Courier</h1>"),
        (f"{TITLE} - News - The Courier", f"<h1>News</h1><h2>{TITLE}</h2><h2>Seals</h2>"),
        (f"{TITLE} | The Courier", ""),
    ],
)
def test_the_sites_name_is_not_a_headline(title: str, headings: str) -> None:
    """Nor a part of one."""
    site = '<meta property="og:site_name" content="The Courier">' if "Courier" in title else ""
    entry = article(f"<title>{title}</title>{site}{headings}{BODY}")
    assert (entry.title, paragraphs(entry)) == (TITLE, PARAGRAPHS[:3])


@pytest.mark.parametrize(
    "block",
    [
        "<p><a href='/fog'>e.example/fog</a></p>", "<div>URL: https://e.example/fog</div>", "<p>www.e.example/fog/</p>",
        "<p>Permalink: <a href='/fog'>https://e.example/fog/</a></p>", "<div><p>https://e.example/fog?x=1</p></div>",
    ],
)  # fmt: skip
def test_an_address_is_not_the_first_paragraph(block: str) -> None:
    """Pages that are made to be printed begin with their own."""
    assert paragraphs(article(page(block))) == PARAGRAPHS[:3]


@pytest.mark.parametrize(
    ("block", "is_dropped"),
    [
        ("18 November 2019", True), ("Published Nov 18, 2019 at 12:01 PM", True), ("Today 12:30", True),
        ("3 hours ago", True), ("5 min read", True), ("Montag, 18. November 2019, 12:01 Uhr", True),
        ("2019-11-18 20:28", True), ("London 2012", False), ("On 18 November the fog came.", False),
        ("It was 12:30.", False), ("In 2019", False), ("Monday", False),
    ],
)  # fmt: skip
def test_a_dateline_is_not_the_first_paragraph(block: str, is_dropped: bool) -> None:  # noqa: FBT001
    """The date has a field of its own; a sentence with a date in it is text."""
    first = paragraphs(article(page(f"<p>{block}</p>")))[0]
    assert first == (PARAGRAPHS[0] if is_dropped else block)


@pytest.mark.parametrize(
    "frame",
    ["figure", "figure class='wp-caption'", "div class='caption'", "div class='media-credit'"],
)
def test_an_article_in_a_pictures_frame_is_read(frame: str) -> None:
    """Themes put whole articles into what is meant for a picture."""
    html = f"<title>{TITLE}</title><h1>{TITLE}</h1><{frame}>{BODY}</{frame.split(maxsplit=1)[0]}>"
    assert paragraphs(article(html)) == PARAGRAPHS[:3]


@pytest.mark.parametrize(
    "note", ["<i>The Saltmarsh Courier staff are a team.</i>", "Follow us on every platform."]
)
def test_paragraphs_parted_by_breaks_are_paragraphs(note: str) -> None:
    """So that a note among them goes, and a single break within one stays."""
    markup = "<br><br>".join([*PARAGRAPHS[:2], f"<b>Fog</b> came<br>twice.{PARAGRAPHS[2]}", note])
    html = f'<title>{TITLE}</title><meta property="og:site_name" content="The Saltmarsh Courier"><h1>{TITLE}</h1><div>{markup}</div>'
    entry = article(html)
    assert paragraphs(entry) == [*PARAGRAPHS[:2], "Fog came", f"twice.{PARAGRAPHS[2]}"]
    assert entry.body_html.count("<p>") == 3


def test_single_breaks_part_nothing() -> None:
    """A paragraph with several stays one, with everything in it."""
    verse = "<b>Fog</b> came<br><i>twice</i>, and<br>went <a href='/x'>away</a><br>at noon."
    entry = article(page(f"<p>{verse}</p>"))
    assert paragraphs(entry)[:4] == ["Fog came", "twice, and", "went away", "at noon."]
    assert entry.body_html.count("<p>") == 4
