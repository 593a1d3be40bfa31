"""Feeds with one thing wrong: what is right about them is read all the same."""

# ruff: noqa: E501, RUF001  a case a line reads best, in every script

import gzip
import json

import pytest

from digest.articles import cleaning, parsing
from digest.articles.parsing.base import Entry, Image

NAMESPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
)
ARTICLE = "https://courier.example/2026/tide.html"
FIRST = "<title>One</title><link>https://courier.example/1</link>"
SECOND = "<title><![CDATA[Two]]></title><link>https://courier.example/2</link>"


def rss(*items: str) -> str:
    """Return an RSS document around items' inner XML."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel><title>Courier</title><link>https://courier.example/</link>{inside}</channel></rss>'


def entries(document: str | bytes) -> tuple[Entry, ...]:
    """Parse and clean a feed; return its entries."""
    body = document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
    return cleaning.cleaned(parsing.parse_feed(body, "https://courier.example/feed")).entries


def article(body: str, title: str = "Tide at noon", extra: str = "") -> Entry:
    """Return the one article of a feed, by its HTML."""
    item = f"<title>{title}</title><link>{ARTICLE}</link>{extra}<description><![CDATA[{body}]]></description>"
    return entries(rss(item))[0]


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ("<title>T &#x110000; x</title>", "T x"),
        ("<title>T &#57333; x</title>", "T x"),
        ("<title>T &#xD83D;&#xDE00; x</title>", "T 😀 x"),
        ("<title>T &#0;x</title>", "T x"),
        ("<title>It&#146;s</title>", "It’s"),
        ("<title>T &#8217 x &amp y & z</title>", "T ’ x & y & z"),
        ("<title>Caf&eacute; &nbsp;&hearts; &bogus;</title>", "Café ♥ &bogus;"),
        ("<title>T</title></width></gml:posList></itunes:owner></source>", "T"),
        ('<title>T</title><gml:LineString xmlns:gml="http://www.opengis.net/gml"><gml:posList>x y</gml:posList></gml:LineString>', "T"),
        ("<title>T</title><foo:bar baz:x='1'>v</foo:bar>", "T"),
        ("<title>T</title><guid isPermaLink=false>7</guid>", "T"),
        ('<title>T</title><enclosure url="a" url="b"/>', "T"),
        ("<title>T\ufeff x\x00\x0b</title>", "T x"),
        ("<title>T<link>https://courier.example/x</link>", "T"),
        ("<title>T</title><description><b>bold</description>", "T"),
        ("<title>T ]]> x < 3 <3</title>", "T ]]> x < 3 <3"),
        ("<title>T</title><!-- a -- b -->", "T"),
        ("<title>T</title><!-- a ", "T"),
        ("<title>T</title><description><![CDATA[<p>hello</description>", "T"),
        ("<title>T</title><?php echo 1 ?><!FOO bar>", "T"),
        ('<title>T</title><enclosure url="https://courier.example/a&#x1;.jpg" type="image/jpeg"/>', "T"),
        ("<TITLE>T</TITLE>", "T"),
        ("<title>T</title><source>x", "T"),
        ("<title>T</title><content type='xhtml'><div>", "T"),
        ("<title>T</title><![if IE]><!ELEMENT x", "T"),
        ("<title>T</title></channel></rss>", "T"),
        ("<title>T \ud83d\ude00 \ud83d x</title>", "T 😀 x"),
    ],
)  # fmt: skip
def test_one_broken_item_costs_no_other(item: str, title: str) -> None:
    """The articles before and after it are read, and it as far as it goes."""
    titles = [entry.title for entry in entries(rss(FIRST, item, SECOND))]
    assert titles == ["One", title, "Two"]


@pytest.mark.parametrize(
    "document",
    [
        "<br />\n<b>Warning</b>: x in <b>/y.php</b><br />\n" + rss(FIRST, SECOND),
        rss(FIRST, SECOND) + "<script>x</script>",
        "<!-- <html> -->" + rss(FIRST, SECOND),
        "\ufeff\ufeff" + rss(FIRST, SECOND),
        rss(FIRST, SECOND)[:-12],
        rss(FIRST, SECOND, "<title>Three</title>")[:-40],
        gzip.compress(rss(FIRST, SECOND).encode()),
        rss(FIRST, SECOND).encode("utf-32-be"),
        rss(FIRST, SECOND).encode("utf-16-le"),
    ],
)
def test_what_surrounds_a_feed_does_not_matter(document: str | bytes) -> None:
    """A server's notes, a byte order mark too many, a missing end, a gzip file."""
    assert [entry.title for entry in entries(document)] == ["One", "Two"]


ITEMS = '{"id": "1", "title": "One", "content_text": "x"}, {"id": "2", "title": "Two", "content_html": "<p>y</p>"}'


@pytest.mark.parametrize(
    ("items", "titles"),
    [
        (ITEMS + ', {"id": "3", "title": "Th', ["One", "Two"]),
        (ITEMS + ",]}", ["One", "Two"]),
        (ITEMS.replace('"x"', r'"x\d \u12"') + "]}", ["One", "Two"]),
        (ITEMS.replace('"x"', r'"x \ud83d"') + "]}", ["One", "Two"]),
        (ITEMS.replace("}, {", "} {") + "]}", ["One", "Two"]),
        (ITEMS.replace('"x"', '"x\x01\ny"') + "]}", ["One", "Two"]),
        (ITEMS.replace('"title": "One",', '"title": ,') + "]}", ["Two"]),
        (ITEMS + ', {"id": true, "url": 7, "title": ["x"], "authors": "Ann"}, null]}', ["One", "Two", ""]),
    ],
)  # fmt: skip
def test_a_broken_json_feed_keeps_its_whole_items(items: str, titles: list[str]) -> None:
    """Truncated, or with one item that is not JSON."""
    document = (
        f'{{"version": "https://jsonfeed.org/version/1.1", "title": "Courier", "items": [{items}'
    )
    assert [entry.title for entry in entries(document)] == titles


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("<b>Bold</b> tide", "Bold tide"),
        ("The <b> tag returns", "The <b> tag returns"),
        ("<b>Bold tide", "Bold tide"),
        ("a<b and b>c", "a<b and b>c"),
        ("<i> vs <em>: which one?", "<i> vs <em>: which one?"),
        ("Map<I, S> vs List<B>", "Map<I, S> vs List<B>"),
        ("<p>Tide</p><p>at noon</p>", "Tide at noon"),
        ("x <br> y<br/>z", "x y z"),
        ("Team <img src='x.png' alt='🐍'> wins", "Team 🐍 wins"),
        ("<a href='https://x.example/?a=1>2'>link</a> here", "link here"),
        ("C++ &amp; <iostream>", "C++ & <iostream>"),
        ("<!DOCTYPE html> explained", "<!DOCTYPE html> explained"),
        ("<?php echo ?> tricks", "<?php echo ?> tricks"),
        ("H<sub>2</sub>O levels", "H2O levels"),
        ("<input type='date'> and friends", "<input type='date'> and friends"),
        ("<style>x{}</style>Tide", "Tide"),
        ("Price <$5", "Price <$5"),
    ],
)
def test_a_title_keeps_the_brackets_that_are_writing(written: str, title: str) -> None:
    """Tags within a line vanish in pairs; everything else in angle brackets is text."""
    assert article("Text.", f"<![CDATA[{written}]]>").title == title
    escaped = written.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert article("Text.", escaped).title == title


@pytest.mark.parametrize(
    ("item", "title", "summary"),
    [
        ("<title>Untitled</title><description>Hello.</description>", "Hello.", ""),
        ("<title>-</title><description>Hello.</description>", "Hello.", ""),
        ("<title>\u200b</title><description>Hello.</description>", "Hello.", ""),
        ("<title>❤</title><description>Hello.</description>", "❤", "Hello."),
        ("<title>Tide</title><description>Tide. The cat slept.</description>", "Tide", "The cat slept."),
        ("<title>Tide</title><description>Tide turns. The cat slept.</description>", "Tide", "Tide turns. The cat slept."),
        ("<title>Tide: at noon</title><description>TIDE - AT NOON\nThe cat slept.</description>", "Tide: at noon", "The cat slept."),
        ("<title>Tide at noon</title><description>&lt;h2&gt;Tide at noon&lt;/h2&gt;&lt;p&gt;The cat.&lt;/p&gt;</description>", "Tide at noon", "The cat."),
        ("<title>Tide at ...</title><description>Tide at noon.</description>", "Tide at noon.", ""),
        ("<title>Why?</title><description>Why? Because.</description>", "Why?", "Because."),
        ("<description>&lt;figure&gt;&lt;img src='p.jpg'&gt;&lt;figcaption&gt;Boats&lt;/figcaption&gt;&lt;/figure&gt;</description>", "Boats", ""),
        ("<title>Tide</title><description>Tide</description><content:encoded>&lt;p&gt;Tide&lt;/p&gt;&lt;p&gt;More.&lt;/p&gt;</content:encoded>", "Tide", "More."),
        ("<description>日本語の文章です。二つ目の文もあります。</description>", "日本語の文章です。二つ目の文もあります。", ""),
    ],
)  # fmt: skip
def test_a_post_says_its_words_once(item: str, title: str, summary: str) -> None:
    """A post without a title is named by its text, and no text repeats its title."""
    entry = entries(rss(f"<link>{ARTICLE}</link>{item}"))[0]
    assert (entry.title, entry.summary) == (title, summary)


LAZY = "data:image/gif;base64,R0lGOD"


@pytest.mark.parametrize(
    ("body", "url"),
    [
        ('<img src="/img/lazyload.gif" srcset="a.jpg, b.jpg 2x">', "https://courier.example/2026/b.jpg"),
        ('<img src="https://x.example/t.jpg" data-src="https://x.example/w_400,h_300/p.jpg 1x">', "https://x.example/w_400,h_300/p.jpg"),
        (f'<img src="{LAZY}" data-srcset="https://x.example/c_fill,w_400/p.jpg 400w, https://x.example/c_fill,w_900/p.jpg 900w">', "https://x.example/c_fill,w_900/p.jpg"),
        (f'<span><img src="{LAZY}"></span><noscript><img src="p.jpg"></noscript>', "https://courier.example/2026/p.jpg"),
        ('<picture><source srcset="a.webp 800w" type="image/webp"><source srcset="a.jpg 800w, b.jpg 1600w" type="image/jpeg"><img src="data:,"></picture>', "https://courier.example/2026/b.jpg"),
        ('<picture><source srcset="a.webp" type="image/webp"><img src="a.jpg"></picture>', "https://courier.example/2026/a.jpg"),
        ('<img src="p.jpg" data-src="{{url}}">', "https://courier.example/2026/p.jpg"),
        ('<img src="p.jpg" data-src="placeholder.gif">', "https://courier.example/2026/p.jpg"),
        ('<img data-foo="https://x.example/p.jpg" src="blank.gif">', "https://x.example/p.jpg"),
        ('<amp-img src="p.jpg" width="600" height="400"></amp-img>', "https://courier.example/2026/p.jpg"),
        ('<img src="p.jpg" data-orig-file="o.jpg">', "https://courier.example/2026/p.jpg"),
        ('<img src="p.jpg" srcset="p-300.jpg 300w, p.jpg 640w, p-1200.jpg 1200w, p-3000.jpg 3000w">', "https://courier.example/2026/p-1200.jpg"),
        ('<img src="https://x.example/pixel-phone.jpg">', "https://x.example/pixel-phone.jpg"),
        ('<img src="https://x.example/white-house.jpg">', "https://x.example/white-house.jpg"),
        ('<img src="https://x.example/facebook-hq.jpg">', "https://x.example/facebook-hq.jpg"),
        ('<img src="//cdn.example/my photo.jpg">', "https://cdn.example/my%20photo.jpg"),
        ('<img src="../p.jpg">', "https://courier.example/p.jpg"),
        ('<img src="//i.example/1x1.gif"><img src="p.jpg">', "https://courier.example/2026/p.jpg"),
        ('<img src="/p.jpg?w=20"><img src="p.jpg">', "https://courier.example/2026/p.jpg"),
        ('<img src="//i.example/1x1.gif">', ""),
    ],
)  # fmt: skip
def test_the_picture_that_is_meant_is_taken(body: str, url: str) -> None:
    """Not the stand-in of a lazy loader; and a photograph is not taken for a stand-in by its name."""
    assert article(body + "<p>Text.</p>").image.url == url


PICTURE = '<img src="p.jpg">'


@pytest.mark.parametrize(
    "body",
    [
        f'<div class="wp-caption"><a href="x">{PICTURE}</a><p class="wp-caption-text">The <a href="y">quay</a></p></div><p>Body.</p>',
        f'<figure>{PICTURE}<div class="caption">The quay</div></figure><p>Body.</p>',
        f'<p>{PICTURE}<br><em class="caption">The quay</em></p><p>Body.</p>',
        f'<div class="imagebox">{PICTURE}</div><div class="photo-caption">The quay</div><p>Body.</p>',
        f'<dl class="gallery-item"><dt>{PICTURE}</dt><dd class="wp-caption-text gallery-caption">The quay</dd></dl><p>Body.</p>',
        f'<center>{PICTURE}</center><span class="image-caption">The quay</span><p>Body.</p>',
        f'[caption id="a" width="300" caption="The quay"]{PICTURE}[/caption] Body.',
        f'[caption id=&#8221;a&#8221; width=&#8221;300&#8243;]<a href="x">{PICTURE}</a> The <em>quay</em>[/caption] Body.',
    ],
)  # fmt: skip
def test_a_caption_is_a_caption(body: str) -> None:
    """Whatever names it, it describes the picture and does not begin the text."""
    entry = article(body)
    assert (entry.image.caption, entry.summary) == ("The quay", "Body.")


def test_what_is_no_caption_stays_text() -> None:
    """A class may say that there is none, and a long text is the article."""
    assert article(f'<p class="no-caption">Body.</p>{PICTURE}').summary == "Body."
    long_text = f'<div class="article-caption"><p>{"A long text it is. " * 80}</p></div>'
    assert article(long_text).summary.startswith("A long text it is.")


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ("[gallery]Body.", "Body."),
        (
            '[embed width="1"]<a href="https://v.example/">https://v.example/</a>[/embed]<p>Body.</p>',
            "Body.",
        ),
        ("[youtube https://v.example/watch?v=1]Body.", "Body."),
        (
            "[foo]in[/foo] Body [sic] [1] [2026] [He] said [...] [a b]",
            "in Body [sic] [1] [2026] [He] said [...] [a b]",
        ),
        ('Body [audio mp3="x.mp3"][/audio]', "Body"),
        ('Body cut [vc_row css="x', "Body cut"),
        ("Rows a[i] = rows[next_row] end", "Rows a[i] = rows[next_row] end"),
        ('Use <code>[gallery ids="1"]</code> there', 'Use [gallery ids="1"] there'),
        ("[dropcap]T[/dropcap]he tide", "The tide"),
        ("See [link](https://x.example) and [x]", "See [link](https://x.example) and [x]"),
    ],
)
def test_shortcodes_vanish_and_writing_stays(body: str, summary: str) -> None:
    """What a pair encloses stays, unless it is an address for a player."""
    assert article(body).summary == summary


STORY = "<p>The story itself.</p>"
HOME = "https://courier.example/"


@pytest.mark.parametrize(
    "tail",
    [
        f'<p>記事 <a href="{ARTICLE}">T</a> は <a href="{HOME}">C</a> に最初に表示されました。</p>',
        f'<p>Запись <a href="{ARTICLE}?utm_source=rss&#038;utm_medium=rss">T</a> впервые появилась <a href="{HOME}">C</a>.</p>',
        f'<p>הפוסט <a href="{ARTICLE}">T</a> הופיע לראשונה ב-<a href="https://www.courier.example">C</a>.</p>',
        f'<div>The post <a href="{ARTICLE}">T</a> appeared first on <a href="{HOME}blog/">C</a>.</div>',
        f' The post <a href="{ARTICLE}">T</a> appeared first on <a href="{HOME}">C</a>.',
        f'<p><a href="{ARTICLE}">Weiterlesen &rarr;</a></p>',
        "<p>Der Beitrag Tide at noon erschien zuerst auf Courier.</p>",
        " L’article Tide at noon est apparu en premier sur Courier.",
    ],
)
def test_the_tail_of_blogging_software_goes(tail: str) -> None:
    """It links the article and the site's home, or names both, in any language."""
    assert article(STORY + tail).summary == "The story itself."


@pytest.mark.parametrize(
    "body",
    [
        f'<p>We met at <a href="{ARTICLE}">the quay</a></p>',
        f'<p>We wrote <a href="{ARTICLE}">before</a>, and on <a href="{HOME}">our front page</a> you find the rest, with every table and all the maps of the board and its clerk.</p>',
        "<p>Of Tide at noon the Courier</p>",
    ],
)
def test_a_text_is_not_taken_for_a_tail(body: str) -> None:
    """Links to the article and to the site may be part of what is told."""
    assert article(body).summary == cleaning.text(body)


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ('Done <img src="x.png" class="emoji" alt="🎉">!', "Done 🎉!"),
        ('Done <img src="https://twemoji.example/72x72/1f389.png">!', "Done 🎉!"),
        ('Done <img src="/images/emoji/1f389.png" alt="">!', "Done 🎉!"),
        ('Done <img src="/images/smilies/smile.gif" alt=":-)">!', "Done :-)!"),
        ('Done <img src="/images/emoji/awards-night.jpg" alt="Night">!', "Done !"),
    ],
)
def test_an_image_of_an_emoji_is_its_character(body: str, summary: str) -> None:
    """By its class, its server or its file; a photograph is none."""
    assert article(body).summary == summary


MEDIUM = '<media:content url="https://courier.example/p.jpg" medium="image">{}</media:content>'


@pytest.mark.parametrize(
    ("media", "alt", "caption", "credit"),
    [
        (MEDIUM.format("<media:description>Boats. Photo: A. Pell</media:description>"), "Boats.", "Boats.", "Photo: A. Pell"),
        (MEDIUM.format("<media:title>img_1234</media:title><media:text>Boats</media:text>"), "Boats", "", ""),
        (MEDIUM.format("") + "<media:description>Boats</media:description><media:credit>A. Pell</media:credit>", "Boats", "Boats", "A. Pell"),
        ("<media:group>" + MEDIUM.format("") + "<media:title>Boats at sea</media:title></media:group>", "Boats at sea", "", ""),
        (MEDIUM.format("<media:title>Tide at noon</media:title>"), "", "", ""),
        (MEDIUM.format("<media:description type='html'>&lt;b&gt;Boats&lt;/b&gt; &amp;amp; more</media:description>"), "Boats & more", "Boats & more", ""),
    ],
)  # fmt: skip
def test_what_a_feed_says_about_a_picture_comes_in(
    media: str, alt: str, caption: str, credit: str
) -> None:
    """From media:description, media:title and media:text; a file name or the headline says nothing."""
    image = article("Text.", extra=media).image
    assert image == Image("https://courier.example/p.jpg", alt, caption, credit)


def test_what_one_feed_leaves_open_does_not_reach_the_next() -> None:
    """A medium that is never closed ends with its document."""
    for _ in range(2):
        article("Text.", extra='<media:content url="https://other.example/o.jpg" medium="image">')
    sibling = MEDIUM.format("") + "<media:description>Boats</media:description>"
    assert article("Text.", extra=sibling).image.alt == "Boats"


def test_the_words_of_the_text_come_first() -> None:
    """A picture that the article shows is described there."""
    body = '<figure><img src="/p.jpg" alt="Two boats"><figcaption>At sea</figcaption></figure>Text.'
    extra = MEDIUM.format("<media:description>Something else</media:description>")
    assert article(body, extra=extra).image == Image(
        "https://courier.example/p.jpg", "Two boats", "At sea"
    )


def test_of_several_media_the_chosen_one_is_described() -> None:
    """Words about a thumbnail, a face or a film are not those of the lead picture."""
    small = '<media:content url="https://courier.example/1.jpg" width="200"><media:description>one</media:description></media:content>'
    large = '<media:content url="https://courier.example/2.jpg" width="800"><media:description>two</media:description></media:content>'
    assert article("Text.", extra=small + large).image.alt == "two"
    film = '<media:group><media:content url="https://v.example/x.mp4" type="video/mp4"/><media:thumbnail url="https://courier.example/t.jpg"/><media:description>A film about boats.</media:description></media:group>'
    item = f"<title>Film</title><link>{ARTICLE}</link>{film}"
    entry = entries(rss(item))[0]
    assert (entry.summary, entry.image.url, entry.image.caption) == (
        "A film about boats.",
        "https://courier.example/t.jpg",
        "",
    )


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("www.courier.example/a", "https://www.courier.example/a"),
        ("//courier.example/a", "https://courier.example/a"),
        (
            "https://courier.example:443/a?x=[1]&amp;y=%zz",
            "https://courier.example:443/a?x=%5B1%5D&y=%25zz",
        ),
        ("https://BÜCHER.example/Straße", "https://xn--bcher-kva.example/Stra%C3%9Fe"),
        ("https://courier.example/a\u200b\u202eb", "https://courier.example/ab"),
        ("https://courier.example/שלום", "https://courier.example/%D7%A9%D7%9C%D7%95%D7%9D"),
        ("https://courier.example/a`b^c", "https://courier.example/a%60b%5Ec"),
        ("http://[::1/a", ""),
        ("https://exa mple.example/a", ""),
        ("https://courier.example:99999/a", ""),
        ("ftp://courier.example/a", ""),
    ],
)
def test_links_are_what_a_browser_would_request(link: str, url: str) -> None:
    """Percent-encoded once, with the host in A-labels; what is not a web address makes no link."""
    assert entries(rss(f"<title>T</title><link>{link}</link>"))[0].url == url


def test_links_within_a_text_are_encoded_too() -> None:
    """Blanks, brackets and IDN hosts, in links and in pictures."""
    body = article(
        '<a href="/a b[1]|2">x</a> <img src="https://bücher.example/a(1) [2].jpg">'
    ).body_html
    assert 'href="https://courier.example/a%20b%5B1%5D%7C2"' in body
    assert 'src="https://xn--bcher-kva.example/a(1)%20%5B2%5D.jpg"' in body


def test_an_atom_entry_links_what_it_has() -> None:
    """An alternate of whatever type, an identifier that is an address, content that is elsewhere."""
    parts = (
        '<link type="application/xhtml+xml" href="/d"/><link type="application/pdf" href="/d.pdf"/>',
        '<id>https://courier.example/c</id><link rel="enclosure" href="/c.mp3"/>',
        '<id>tag:1</id><content src="/doc.html" type="text/html"/>',
        '<id>urn:2</id><link rel="self" href="/b.atom"/>',
    )
    inside = "".join(f"<entry><title>T</title>{part}</entry>" for part in parts)
    document = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Courier</title>{inside}</feed>'
    urls = [entry.url.removeprefix("https://courier.example") for entry in entries(document)]
    assert urls == ["/d", "/c", "/doc.html", ""]


def test_a_json_feed_links_what_it_has() -> None:
    """Its url, else external_url, else an identifier that is an address, else its file."""
    items = [
        {"id": "1", "url": "/a", "external_url": "https://x.example/"},
        {"id": "https://courier.example/b"},
        {"id": "3", "attachments": [{"url": "/c.mp3", "mime_type": "audio/mpeg"}]},
        {"id": 4, "title": "Four"},
    ]
    document = {"version": "https://jsonfeed.org/version/1.1", "items": items}
    urls = [entry.url for entry in entries(json.dumps(document))]
    assert urls == [
        "https://courier.example/a",
        "https://courier.example/b",
        "https://courier.example/c.mp3",
        "",
    ]
