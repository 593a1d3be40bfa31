"""Feeds in the wild: wrongly encoded, truncated, hostile, huge."""

# ruff: noqa: E501, RUF001  a case a line reads best, in every script

import time

import pytest

from digest.articles import cleaning, parsing
from digest.articles.errors import ParseError
from digest.articles.parsing.base import MAX_ENTRIES, Entry


def rss(*items: str, head: str = '<?xml version="1.0"?>') -> str:
    """Return an RSS document around items' inner XML."""
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'{head}<rss version="2.0"><channel><title>Courier</title>{inside}</channel></rss>'


def entries(document: str | bytes, charset: str | None = None) -> tuple[Entry, ...]:
    """Parse and clean a feed; return its entries."""
    body = document.encode() if isinstance(document, str) else document
    return cleaning.cleaned(parsing.parse_feed(body, "https://courier.example/f", charset)).entries


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [
        ("utf-8", "utf-8", None),
        ("utf-8", "iso-8859-1", None),
        ("utf-8", "utf-8", "iso-8859-1"),
        ("utf-8-sig", "windows-1251", None),
        ("windows-1252", "iso-8859-1", None),
        ("windows-1252", "utf-8", None),
        ("windows-1252", "iso-8859-1", "utf-8"),
        ("windows-1252", "nonsense", "x-unknown"),
        ("utf-16", "utf-16", None),
        ("utf-16-le", "utf-16", None),
        ("utf-16-be", "utf-8", None),
    ],
)
def test_the_encoding_is_found_whatever_is_declared(
    encoding: str, declared: str, header: str | None
) -> None:
    """What the bytes prove wins over the document's and the header's declaration."""
    text = rss("<title>Café – “Fähre”</title>", head=f'<?xml version="1.0" encoding="{declared}"?>')
    assert entries(text.encode(encoding), header)[0].title == "Café – “Fähre”"


def test_cyrillic_is_read_as_declared() -> None:
    """The bytes of an eight-bit encoding prove nothing, so its declaration is believed."""
    text = rss("<title>Новости</title>", head='<?xml version="1.0" encoding="windows-1251"?>')
    assert entries(text.encode("windows-1251"))[0].title == "Новости"
    bare = rss("<title>Новости</title>", head="").encode("windows-1251")
    assert entries(bare, "windows-1251")[0].title == "Новости"


def test_japanese_by_escapes_is_read() -> None:
    """ISO-2022-JP looks like ASCII and is not."""
    text = rss("<title>潮の満ち引き</title>", head='<?xml version="1.0" encoding="iso-2022-jp"?>')
    assert entries(text.encode("iso-2022-jp"))[0].title == "潮の満ち引き"


@pytest.mark.parametrize(
    ("title", "encoding", "label"),
    [
        ("潮の満ち引き", "cp932", "x-sjis"),
        ("밀물과 썰물", "cp949", "ks_c_5601-1987"),
        ("潮汐 €", "gb18030", "gb2312"),
        ("น้ำขึ้นน้ำลง", "cp874", "tis-620"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(title: str, encoding: str, label: str) -> None:
    """The WHATWG Encoding Standard names the wider set behind each label."""
    text = rss(f"<title>{title}</title>", head=f'<?xml version="1.0" encoding="{label}"?>')
    assert entries(text.encode(encoding))[0].title == title


@pytest.mark.parametrize(
    "label", ["zip", "rot13", "base64", "hex", "idna", "utf-7", "utf-16", "undefined", "hz-gb-2312"]
)
def test_codecs_that_are_not_text_encodings_are_ignored(label: str) -> None:
    """Python has codecs that are not character sets, and some whose declaration is never ASCII."""
    text = rss("<title>Café</title>", head=f'<?xml version="1.0" encoding="{label}"?>')
    assert entries(text.encode("windows-1252"), label)[0].title == "Café"


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("Новости порта: паром опоздал, тюлени ждали до полудня", "windows-1251"),
        ("Новости порта: паром опоздал, тюлени ждали до полудня", "koi8-r"),
        (
            "港のフェリーが遅れ、アザラシは昼まで岸壁にいました。船は明日の朝に出る予定です。",
            "shift_jis",
        ),
        (
            "港のフェリーが遅れ、アザラシは昼まで岸壁にいました。船は明日の朝に出る予定です。",
            "euc-jp",
        ),
        ("Fähren fallen aus, die Möwen bleiben", "windows-1252"),
        ("El niño y la señora esperan el barco", "windows-1252"),
        ("Färjan går igen på lördag", "windows-1252"),
    ],
)
def test_an_undeclared_encoding_is_recognised_by_its_script(title: str, encoding: str) -> None:
    """The bytes show other scripts; what looks Latin is read as windows-1252."""
    body = rss(f"<title>{title}</title>", head='<?xml version="1.0"?>').encode(encoding)
    assert entries(body)[0].title == title


def test_a_few_broken_bytes_do_not_spoil_the_rest() -> None:
    """UTF-8 with one bad byte stays UTF-8."""
    body = rss(
        "<title>Fähre — über Nacht</title>",
        "<title>xQx</title>",
        head='<?xml version="1.0" encoding="utf-8"?>',
    )
    titles = [e.title for e in entries(body.encode().replace(b"xQx", b"x\xffx"))]
    assert titles == ["Fähre — über Nacht", "x\ufffdx"]


@pytest.mark.parametrize("cut", [1, 7, 30, 42])
def test_a_feed_cut_off_keeps_what_is_whole(cut: int) -> None:
    """The truncated article is left out, because half of it would be stored."""
    whole = rss("<title>One</title>", "<title>Two</title>", "<title>Three is longer</title>")
    assert [e.title for e in entries(whole[: -len("</channel></rss>") - cut])] == ["One", "Two"]


def test_a_feed_cut_inside_a_character_is_read() -> None:
    """A limit in bytes may cut a character in two."""
    body = rss("<title>One</title>", "<title>Füße</title>").encode()
    assert [e.title for e in entries(body[: body.index("ß".encode()) + 1])] == ["One"]


def test_a_feed_cut_before_its_first_article_is_an_error() -> None:
    """A truncated feed is not the same as a feed without new articles."""
    with pytest.raises(ParseError, match="breaks off"):
        entries(rss("<title>One</title>")[:70])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hi</body></html>", "web page.*Sign in.*not a feed"),
        ("<html><body>no title", "web page.*not a feed"),
        ("", "empty"),
        (" \n\ufeff", "empty"),
        ("<?xml version='1.0'?><!-- nothing -->", "empty"),
        ("Database error", "begins with 'Database error'"),
        ('{"error": "no"}', "not a JSON Feed"),
        ("[" * 100_000, "JSON"),
        ('{"items": [', "incomplete"),
        ("<opml><body/></opml>", "not a feed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a feed"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_named(body: str | bytes, message: str) -> None:
    """The error says what came instead, so that the editor can find the right address."""
    with pytest.raises(ParseError, match=f"(?s){message}"):
        entries(body)


def test_an_empty_feed_is_a_feed() -> None:
    """A new section has no articles yet."""
    assert entries(rss()) == ()


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("x\r\nBcc: e@e.example", "x Bcc: e@e.example"),
        ("<![CDATA[x\r\nBcc: e@e.example]]>", "x Bcc: e@e.example"),
        ("a&#13;b&#10;c&#x2028;d", "a b c d"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Tide", "Tide"),
        ("<![CDATA[<b onclick=x>Bold</b> tide]]>", "Bold tide"),
        ("AT&amp;amp;T &amp;amp;lt;b&amp;amp;gt;", "AT&T &lt;b&gt;"),
        ("AT&amp;T", "AT&T"),
        ("Tide &lt; 2 m &amp; falling", "Tide < 2 m & falling"),
        ("&#8220;Caf&eacute;&#8221;", "“Café”"),
        ("\u202egnp.exe", "gnp.exe"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("  two   spaces ", "two spaces"),
    ],
)  # fmt: skip
def test_titles_are_one_safe_line(title: str, read: str) -> None:
    """Entities are decoded once, tags are stripped, and line breaks become spaces."""
    item = f"<title>{title}</title><link>https://courier.example/1</link>"
    assert entries(rss(item))[0].title == read


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Mon, 23 Nov 2026 08:30:00 +0100", "2026-11-23T07:30:00+00:00"),
        ("Mon, 23 Nov 2026 08:30:00", "2026-11-23T08:30:00+00:00"),
        ("Mon, 23 Nov 2026 08:30:00 EST", "2026-11-23T13:30:00+00:00"),
        ("2026-11-23T08:30:00-05:00", "2026-11-23T13:30:00+00:00"),
        ("2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("Seg, 23 Nov 2026 08:30:00 -0300", "2026-11-23T11:30:00+00:00"),
        ("Mo, 5. Mai 2026 08:30", "2026-05-05T08:30:00+00:00"),
        ("Tue, 01 Jan 2047 00:00:00 GMT", "2047-01-01T00:00:00+00:00"),
        ("0000-00-00 00:00:00", None),
        ("Thu, 31 Feb 2026 08:30:00 GMT", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("yesterday", None),
        ("", None),
    ],
)  # fmt: skip
def test_dates_are_read_in_utc_or_absent(written: str, moment: str | None) -> None:
    """No zone means UTC; nonsense means no date, never an error."""
    date = entries(rss(f"<title>One</title><pubDate>{written}</pubDate>"))[0].published_at
    assert (date.isoformat() if date else None) == moment


@pytest.mark.parametrize(
    "bomb",
    [
        "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)),
        f'<!ENTITY l9 "{"x" * 10_000}">',
        '<!ENTITY l9 SYSTEM "file:///etc/passwd">',
    ],
)
def test_entities_of_its_own_do_not_expand(bomb: str) -> None:
    """Entities that expand without end, or name a file, do nothing and take no time."""
    head = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{bomb}]>'
    start = time.monotonic()
    articles = entries(rss(f"<title>One {'&l9;' * 5000}</title>", head=head))
    assert time.monotonic() - start < 5
    assert len(articles[0].title) <= 1000
    assert "root:" not in articles[0].title
    assert "xxxx" not in articles[0].title
    assert "haha" not in articles[0].title


def test_of_ten_thousand_articles_the_newest_are_kept() -> None:
    """In whatever order a feed lists them, a digest is about the newest."""
    items = [
        f"<title>Story {n}</title><link>https://c.example/{n}</link>"
        f"<pubDate>{1 + n // 1440:02} Nov 2026 {n // 60 % 24:02}:{n % 60:02}:00 GMT</pubDate>"
        for n in range(10_000)
    ]
    articles = entries(rss(*items))
    assert len(articles) == MAX_ENTRIES
    assert articles[0].title == "Story 9500"
    assert articles[-1].title == "Story 9999"


def test_of_undated_articles_the_first_are_kept() -> None:
    """Without dates only the order is known, and nearly every feed begins with its newest."""
    articles = entries(rss(*(f"<title>Story {n}</title>" for n in range(600))))
    assert [articles[0].title, articles[-1].title] == ["Story 0", f"Story {MAX_ENTRIES - 1}"]


def test_deep_nesting_is_survived() -> None:
    """A body of a hundred thousand open elements neither overflows a stack nor takes long."""
    start = time.monotonic()
    body = "&lt;div&gt;" * 100_000 + "deep" + "&lt;/div&gt;" * 100_000
    articles = entries(rss(f"<title>One</title><description>{body}</description>"))
    assert articles[0].title == "One"
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("inside", "image"),
    [
        ('<media:thumbnail url="https://c.example/t.jpg" width="240"/>', "https://c.example/t.jpg"),
        ('<media:thumbnail url="https://1.gravatar.com/avatar/x" width="240"/>', ""),
        ('<media:thumbnail url="https://c.example/t.jpg" width="30"/>', ""),
        ('<media:content url="https://c.example/v.mp4" type="video/mp4"/>', ""),
        ('<media:content url="https://c.example/a.jpg" width="100"/><media:content url="https://c.example/b.jpg" width="900"/>', "https://c.example/b.jpg"),
        ('<enclosure url="/e.jpg" type="image/jpeg"/>', "https://courier.example/e.jpg"),
        ('<itunes:image href="https://c.example/i.jpg"/>', "https://c.example/i.jpg"),
        ("<description>&lt;img src='https://c.example/p.gif' width='1' height='1'>&lt;img class='emoji' src='https://s.w.org/images/core/emoji/1.png'>&lt;img src='https://c.example/d.jpg'></description>", "https://c.example/d.jpg"),
        ("<description>&lt;img src='data:image/png;base64,AA' data-src='/late.jpg'></description>", "https://courier.example/late.jpg"),
        ("<description>&lt;img srcset='/s.jpg 300w, /m.jpg 1200w, /l.jpg 3000w'></description>", "https://courier.example/m.jpg"),
        ("<description>&lt;img src='javascript:alert(1)'></description>", ""),
    ],
)  # fmt: skip
def test_the_lead_image_is_the_articles_own(inside: str, image: str) -> None:
    """The best candidate wins; avatars, emoji, counters, videos and tiny thumbnails never do."""
    document = rss(f"<title>One</title><link>https://courier.example/1</link>{inside}").replace(
        "<rss ",
        '<rss xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" ',
    )
    assert entries(document)[0].image.url == image


def test_the_address_behind_a_counter_is_used() -> None:
    """Feed services replace links with their own and keep the publisher's beside them."""
    item = (
        "<title>One</title><link>https://feedproxy.example/~3/x</link>"
        "<feedburner:origLink>https://courier.example/one</feedburner:origLink>"
    )
    document = rss(item).replace(
        "<rss ", '<rss xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0" '
    )
    assert entries(document)[0].url == "https://courier.example/one"


def test_blank_lines_before_the_declaration_are_forgiven() -> None:
    """Templates leave them behind, and a strict parser refuses the whole feed."""
    assert entries("\n\n " + rss("<title>One</title>"))[0].title == "One"


def test_an_element_overloaded_with_attributes_is_refused() -> None:
    """Five megabytes of them would keep the parser busy for half an hour."""
    many = " ".join(f'a{number}="u"' for number in range(200_000))
    with pytest.raises(ParseError, match="more than 200 attributes"):
        parsing.parse_feed(f"<rss {many}><channel><title>t</title></channel></rss>".encode())
