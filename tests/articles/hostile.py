"""Documents that aim at a parser's time: each kind grows to any size.

FEEDS, PAGES    kind -> a function of the size in bytes that returns the document
"""

# ruff: noqa: E501  a kind is best read on one line

from collections.abc import Callable, Mapping

Maker = Callable[[int], bytes]

RSS = "<rss version='2.0'><channel><title>Hostile</title><link>https://hostile.example/</link>"
RSS_END = "</channel></rss>"
ITEM = "<item><guid>1</guid><link>https://hostile.example/1</link><title>Harbour</title>"
ATOM = "<feed xmlns='http://www.w3.org/2005/Atom'><title>H</title><entry><id>1</id><title>T</title>"
PARAGRAPHS = "<p>" + "The ferry was late, and the seals lay on the quay until noon. " * 6 + "</p>"


def repeated(piece: str, size: int) -> str:
    """Repeat a piece up to a size in characters."""
    return piece * max(1, size // len(piece))


def rss(inside: str, before: str = "") -> bytes:
    """An RSS feed with one item that holds `inside`."""
    return f"{before}{RSS}{ITEM}{inside}</item>{RSS_END}".encode()


def in_element(name: str, piece: str, *, escaped: bool = False) -> Maker:
    """A feed whose item has one huge element."""

    def make(size: int) -> bytes:
        text = repeated(piece, size)
        inside = f"<![CDATA[{text}]]>" if escaped else text
        return rss(f"<{name}>{inside}</{name}>")

    return make


def in_item(piece: str) -> Maker:
    """A feed whose item has many elements."""
    return lambda size: rss(repeated(piece, size))


def cut_off(start: str, piece: str) -> Maker:
    """A feed that ends within many elements."""
    return lambda size: f"{start}{repeated(piece, size)}".encode()


def preceded(piece: str) -> Maker:
    """A feed that begins behind many elements, and does not end."""
    return lambda size: f"{repeated(piece, size)}{RSS}".encode()


def in_entry(piece: str) -> Maker:
    """An Atom feed whose entry has many elements."""
    return lambda size: f"{ATOM}{repeated(piece, size)}</entry></feed>".encode()


def in_body(piece: str, closing: str = "") -> Maker:
    """A feed whose item has many elements in its body."""
    return lambda size: rss(
        f"<description><![CDATA[{repeated(piece, size)}{closing}]]></description>"
    )


def html(inside: str, head: str = "") -> bytes:
    """A page with an article, and `inside` above its prose."""
    return (
        f"<!DOCTYPE html><html><head><title>Harbour</title>{head}</head><body><article>"
        f"<h1>Harbour</h1>{inside}{PARAGRAPHS * 3}</article></body></html>"
    ).encode()


def in_page(piece: str, closing: str = "") -> Maker:
    """A page with many elements in its article."""
    return lambda size: html(repeated(piece, size) + closing)


def in_head(piece: str, before: str = "", after: str = "") -> Maker:
    """A page with many elements, or one huge, in its head."""
    return lambda size: html("", before + repeated(piece, size) + after)


def nested(opening: str, closing: str) -> Maker:
    """A page with elements inside one another."""

    def make(size: int) -> bytes:
        levels = size // (len(opening) + len(closing))
        return html(opening * levels + "deep" + closing * levels)

    return make


def nested_in_feed(opening: str, closing: str) -> Maker:
    """A feed with XML elements inside one another."""

    def make(size: int) -> bytes:
        levels = size // (len(opening) + len(closing))
        return rss(opening * levels + "deep" + closing * levels)

    return make


def many_items(item: str) -> Maker:
    """A feed with as many items as fit."""
    return lambda size: f"{RSS}{repeated(item, size)}{RSS_END}".encode()


def jsonfeed(piece: str, before: str, after: str) -> Maker:
    """A JSON Feed with one long value."""
    return lambda size: (
        '{"version":"https://jsonfeed.org/version/1.1","title":"Hostile","items":[{"id":"1",'
        f'"url":"https://hostile.example/1","title":"Harbour",{before}{repeated(piece, size)}{after}}}]}}'
    ).encode()


FEEDS: Mapping[str, Maker] = {
    "author": in_element("author", "a"),
    "author blanks": in_element("author", "a "),
    "author at": in_element("author", "a@b "),
    "author at only": in_element("author", "@"),
    "author brackets": in_element("author", "a@b.example ("),
    "author brackets closed": in_element("author", "a@b.example (b) "),
    "creator": in_element("dc:creator", "a@b"),
    "managing editor": lambda size: f"{RSS}<managingEditor>{'a' * size}</managingEditor>{ITEM}"
    f"</item>{RSS_END}".encode(),
    "authors": in_item("<author>a@b.example (Ada)</author>"),
    "creators": in_item("<dc:creator>Ada</dc:creator>"),
    "atom authors": in_entry("<author><name>A</name></author>"),
    "atom author": lambda size: (
        f"{ATOM}<author><name>{'a' * (size // 2)}</name><email>{'a' * (size // 2)}</email></author></entry></feed>"
    ).encode(),
    "atom contributors": in_entry("<contributor><name>A</name></contributor>"),
    "late doctype": lambda size: f"{RSS}<!DOCTYPE {'a' * size}".encode(),
    "late doctypes": cut_off(RSS, "<!DOCTYPE a"),
    "late doctype brackets": cut_off(RSS, "<!DOCTYPE a["),
    "doctypes first": preceded("<!DOCTYPE a["),
    "doctype blanks": lambda size: f"{RSS}<!DOCTYPE a[]{' ' * size}".encode(),
    "comments": lambda size: f"{repeated('<!-- a -->', size)}{RSS}{ITEM}</item>{RSS_END}".encode(),
    "open comments": cut_off(RSS + ITEM, "<!-- "),
    "open comments first": preceded("<!--"),
    "instructions": preceded("<?"),
    "instructions inside": cut_off(RSS + ITEM, "<?a "),
    "cdata": cut_off(f"{RSS}{ITEM}<title>", "<![CDATA["),
    "cdata many": in_element("title", "<![CDATA[a]]>"),
    "blanks": lambda size: f"{' ' * size}{RSS}{RSS_END}".encode(),
    "blanks then junk": lambda size: f"{' ' * size}junk".encode(),
    "title": in_element("title", "a"),
    "title blanks": in_element("title", " a"),
    "title brackets": in_element("title", "&lt;"),
    "title tags": in_element("title", "<b>", escaped=True),
    "title open": in_element("title", "<b a", escaped=True),
    "title amps": in_element("title", "&amp;"),
    "title bare amps": in_element("title", "& "),
    "title entities": in_element("title", "&nbsp;"),
    "title references": in_element("title", "&#"),
    "title references late": in_element("title", "&#x11"),
    "text bare amps": in_body("&"),
    "link": in_element("link", "a"),
    "link blanks": in_element("link", "https://a.example/ "),
    "link slashes": in_element("link", "/"),
    "link dots": in_element("link", "../"),
    "guid": in_element("guid", "a"),
    "date": in_element("pubDate", "1"),
    "date words": in_element("pubDate", "Mon "),
    "date blanks": in_element("pubDate", " "),
    "date colons": in_element("pubDate", "1:"),
    "dc date": in_element("dc:date", "2020-"),
    "dates": many_items("<item><title>a</title><pubDate>am 30. Mittag</pubDate></item>"),
    "dates unlike": lambda size: (
        RSS
        + "".join(
            f"<item><title>a</title><pubDate>{n}. Okt nachm. {n} um 3</pubDate></item>"
            for n in range(size // 80)
        )
        + RSS_END
    ).encode(),
    "categories": in_item("<category>a</category>"),
    "category": in_element("category", "a,"),
    "enclosures": in_item("<enclosure url='https://a.example/a.jpg' type='image/jpeg'/>"),
    "enclosures plain": in_item("<enclosure url='a'/>"),
    "links": in_item("<link>https://hostile.example/1</link>"),
    "media": in_item("<media:content url='https://a.example/a.jpg' medium='image'/>"),
    "media nested": nested_in_feed("<media:group>", "</media:group>"),
    "thumbnails": in_item("<media:thumbnail url='https://a.example/a.jpg' width='99'/>"),
    "credits": in_item("<media:credit>a</media:credit>"),
    "descriptions": in_item("<description>a</description>"),
    "contents": in_item("<content:encoded>a</content:encoded>"),
    "titles": in_item("<title>a</title>"),
    "nested xml": nested_in_feed("<a>", "</a>"),
    "nested open": cut_off(RSS + ITEM, "<a>"),
    "nested items": nested_in_feed("<item>", "</item>"),
    "nested content": lambda size: (
        f"{ATOM}<content type='xhtml'>{repeated('<div>', size // 2)}{repeated('</div>', size // 2)}"
        "</content></entry></feed>"
    ).encode(),
    "wide content": lambda size: (
        f"{ATOM}<content type='xhtml'><div>{repeated('<b>a</b>', size)}</div></content></entry></feed>"
    ).encode(),
    "base64 content": lambda size: (
        f"{ATOM}<content type='application/octet-stream'>{'YWFh' * (size // 4)}</content></entry></feed>"
    ).encode(),
    "attributes": lambda size: rss(
        "<enclosure " + " ".join(f"a{n}=''" for n in range(size // 12)) + "/>"
    ),
    "attributes unquoted": lambda size: rss(f"<enclosure {repeated('a=b ', size)}/>"),
    "attributes open": lambda size: rss("<enclosure " + repeated('a=" ', size) + "/>"),
    "attributes bare": lambda size: rss(f"<enclosure {repeated('a ', size)}/>"),
    "attributes repeated": lambda size: rss(
        repeated("<enclosure " + "".join(f'a{n}="" ' for n in range(199)) + "/>", size)
    ),
    "attribute": lambda size: rss(f"<enclosure url='{'a' * size}'/>"),
    "attribute blanks": lambda size: rss(f"<enclosure url='{' ' * size}'/>"),
    "namespaces": lambda size: (
        "<rss version='2.0' "
        + " ".join(f"xmlns:a{n}='b'" for n in range(199))
        + f"><channel>{repeated('<item><title>a</title></item>', size)}</channel></rss>"
    ).encode(),
    "prefixes": lambda size: rss("".join(f"<a{n}:b/>" for n in range(size // 12))),
    "element name": lambda size: rss(f"<{'a' * size}/>"),
    "element names": lambda size: rss("".join(f"<b{n}>a</b{n}>" for n in range(size // 22))),
    "items": many_items("<item/>"),
    "items titled": many_items("<item><title>a</title></item>"),
    "items open": cut_off(RSS, "<item>"),
    "ends": cut_off(RSS, "</item>"),
    "lesser": cut_off(RSS, "<"),
    "lesser tag": cut_off(RSS, "<a"),
    "lesser slash": cut_off(RSS, "</a"),
    "quotes": lambda size: f'{RSS}<a b="{repeated("<a b=", size)}'.encode(),
    "body images": in_body("<img src='/a.jpg'>"),
    "body lazy images": in_body("<img data-src='a' src='data:a'>"),
    "body picture": in_body("<picture><source srcset='a 1w'><img>"),
    "body picture one": lambda size: rss(
        "<description><![CDATA[<picture>"
        + repeated("<source srcset='a'>", size // 2) + repeated("<img>", size // 2)
        + "</picture>]]></description>"
    ),
    "body srcset": lambda size: rss(
        f"<description><![CDATA[<img srcset='{repeated('a 1w, ', size)}'>]]></description>"
    ),
    "body srcset blanks": lambda size: rss(
        f"<description><![CDATA[<img srcset='{repeated('a ', size)}'>]]></description>"
    ),
    "body srcset letters": lambda size: rss(
        f"<description><![CDATA[<img srcset='{'a' * size}'>]]></description>"
    ),
    "body srcset space": lambda size: rss(
        f"<description><![CDATA[<img srcset='{'a' + ' ' * size}b'>]]></description>"
    ),
    "body data": lambda size: rss(
        f"<description><![CDATA[<img src='data:image/png;base64,{'A' * size}'>]]></description>"
    ),
    "body divs": in_body("<div>"),
    "body tables": in_body("<table><tr><td>"),
    "body formats": in_body("<b><i>"),
    "body links": in_body("<a href='a'>"),
    "body paragraphs": in_body("<p>a"),
    "body lists": in_body("<ul><li>"),
    "body selects": in_body("<select><option>"),
    "body quotes": in_body("<blockquote>"),
    "body figures": in_body("<figure><img src='https://a.example/a.jpg'><figcaption>"),
    "body captions": in_body("<div class='caption'><img src='https://a.example/x.jpg'>"),
    "body templates": in_body("<template>"),
    "body svg": in_body("<svg><g>"),
    "body ends": in_body("</p>"),
    "body breaks": in_body("<br>"),
    "body comments": in_body("<!--"),
    "body attributes": lambda size: rss(
        "<description><![CDATA[<p "
        + " ".join(f"a{n}=b" for n in range(size // 11)) + ">]]></description>"
    ),
    "body entities": in_body("&nbsp;"),
    "body shortcodes": in_body("[a "),
    "body shortcodes closed": in_body("[a]"),
    "body dots": in_body("a. "),
    "body marks": in_body("!"),
    "body marks quoted": in_body('!"'),
    "body tail": in_body("The post "),
    "body tail read": in_body("Read more "),
    "body tail blanks": in_body(" ", "x"),
    "body nbsp": in_body("\u00a0"),
    "body credit": in_body("Photo by "),
    "body figcaption": in_body("<figure><img src='https://a.example/b.jpg'><figcaption>"
                               + "(Photo: " * 40 + "</figcaption></figure>"),
    "json nesting": jsonfeed("[", '"a":', ""),
    "json objects": jsonfeed('{"a":', '"a":', ""),
    "json numbers in tags": jsonfeed("1,", '"tags":[', "1]"),
    "json tags": jsonfeed('"a",', '"tags":[', '"a"]'),
    "json authors": jsonfeed('{"name":"a"},', '"authors":[', '{"name":"b"}]'),
    "json text": jsonfeed("\\n\\n", '"content_text":"', '"'),
    "json html": jsonfeed("<div>", '"content_html":"', '"'),
    "json amps": jsonfeed("&", '"summary":"', '"'),
    "json escapes": jsonfeed("\\ud83d", '"summary":"', '"'),
    "json digits": jsonfeed("9", '"id":', ""),
    "json digits date": jsonfeed("9", '"date_published":"', '"'),
    "json image": jsonfeed("a", '"image":"https://a.example/', '"'),
    "json open": lambda size: b"[" * size,
    "json string": lambda size: b'["' + b"\\" * size,
    "json numbers": lambda size: b'{"items":[' + b"1" * size,
    "utf-16": lambda size: rss(f"<title>{'a' * (size // 2)}</title>").decode().encode("utf-16"),
    "latin-1": lambda size: rss("<description>" + "\u00e9a" * (size // 2) + "</description>")
    .decode().encode("latin-1", "ignore"),
    "bytes": lambda size: bytes(range(256)) * (size // 256),
    "bytes feed": lambda size: RSS.encode() + bytes(range(128, 256)) * (size // 128),
    "iso-2022": lambda size: b"<?xml version='1.0' encoding='iso-2022-jp'?>" + rss("\x1b$B" * (size // 3)),
    "declared": lambda size: b"<?xml " * (size // 6),
    "meta": lambda size: b"<meta " * (size // 6) + b"<rss>",
    "nul": lambda size: RSS.encode() + b"\0" * size,
    "tags unlike": lambda size: f"{RSS}{ITEM}{''.join(f'<x{n}' for n in range(size // 8))}".encode(),
    "georss": in_element("georss:where", "<gml:posList>1 "),
    "georss points": in_element("georss:line", "1 "),
    "gml": lambda size: rss(f"<georss:where><gml:Point><gml:pos>{'1 ' * (size // 2)}</gml:pos></gml:Point></georss:where>"),
    "itunes": in_item("<itunes:category text='a'>"),
    "itunes keywords": in_element("itunes:keywords", "a "),
    "psc": in_item("<psc:chapter start='1:1:1'/>"),
    "ttl": lambda size: f"{RSS}<ttl>{'1' * size}</ttl>{RSS_END}".encode(),
}  # fmt: skip


PAGES: Mapping[str, Maker] = {
    "related": in_page("<h2>Related</h2>"),
    "related open": in_page("<h2>Related"),
    "related nested": in_page("<div><h2>Related</h2>"),
    "related paragraphs": in_page("<h2>Related</h2><p>a</p>"),
    "related one": lambda size: html("<h2>Related</h2>" + repeated("<a>b</a>", size)),
    "headings": in_page("<h2>Harbour</h2>"),
    "h1": in_page("<h1>Harbour</h1>"),
    "h1 nested": in_page("<h1>Harbour"),
    "h1 words": lambda size: html(f"<h1>{repeated('word ', size)}</h1>"),
    "noscript": in_page("<noscript><img></noscript>"),
    "noscript with sources": in_page("<noscript><img src='https://a.example/a.jpg'></noscript>"),
    "noscript open": in_page("<noscript><img>"),
    "noscript apart": in_page("<div><noscript><img></noscript></div>"),
    "images": in_page("<img src='https://a.example/a.jpg'>"),
    "images nested": in_page("<div><img src='https://a.example/a.jpg'>"),
    "images lazy": in_page("<img data-src='https://a.example/a.jpg'>"),
    "images before": lambda size: html(
        "", repeated('<meta property="og:image" content="https://a.example/a.jpg">', size)
    ),
    "images unlike": lambda size: html(
        "".join(f"<img src='https://a.example/{n}.jpg'>" for n in range(size // 70)),
        "".join(f"<meta property='og:image' content='https://a.example/b{n}.jpg'>" for n in range(size // 140)),
    ),
    "images captioned": in_page("<figure><img src='https://a.example/a.jpg'><figcaption>a</figcaption></figure>"),
    "images and captions": lambda size: html(
        repeated("<img src='https://a.example/a.jpg'>", size // 2)
        + repeated("<p class='caption'>a</p>", size // 2)
    ),
    "picture": lambda size: html(
        "<picture>" + repeated("<source srcset='a'>", size // 2) + repeated("<img>", size // 2) + "</picture>"
    ),
    "figures": in_page("<figure>"),
    "figcaptions": in_page("<figure><img src='https://a.example/a.jpg'><figcaption>"),
    "captions": in_page("<p class='caption'>a"),
    "captions nested": in_page("<div class='caption'>"),
    "captions short": in_page("<span class='credit'>a</span>"),
    "articles": in_page("<article>"),
    "articles closed": lambda size: html("</article>" + repeated("<article><p>a</p></article>", size)),
    "divs": in_page("<div>"),
    "divs closed": nested("<div>", "</div>"),
    "divs with class": in_page("<div class='related'>"),
    "divs with class closed": in_page("<div class='related'>a</div>"),
    "divs with prose": nested("<div class='share'><p>word word word</p>", "</div>"),
    "asides": in_page("<aside>"),
    "sections": nested("<section>", "</section>"),
    "spans": nested("<span>", "</span>"),
    "formats": in_page("<b><i>"),
    "formats closed": nested("<b>", "</b>"),
    "links": in_page("<a href='a'>b</a>"),
    "links open": in_page("<a href='a'>"),
    "tables": in_page("<table>"),
    "table rows": in_page("<table><tr><td>"),
    "cells": lambda size: html(f"<table><tr>{repeated('<td>a', size)}</table>"),
    "lists": in_page("<ul><li>"),
    "items": in_page("<li>a"),
    "quotes": in_page("<blockquote>"),
    "paragraphs": in_page("<p>"),
    "paragraphs of words": in_page("<p>The ferry was late again.</p>"),
    "breaks": in_page("<br>"),
    "scripts": in_page("<script>"),
    "scripts closed": in_page("<script></script>"),
    "forms": in_page("<form><input>"),
    "buttons": in_page("<button>"),
    "footers": in_page("<footer>"),
    "iframes": in_page("<iframe></iframe>"),
    "templates": in_page("<template>"),
    "templates closed": in_page("<template></template>"),
    "svg": in_page("<svg><path>"),
    "frames": in_page("<frameset>"),
    "bodies": in_page("<body a=b>"),
    "html": in_page("<html a=b>"),
    "comments": in_page("<!-- a -->"),
    "open comments": in_page("<!--"),
    "entities": in_page("&nbsp;"),
    "bare amps": in_page("&"),
    "lesser": in_page("<"),
    "lesser letters": in_page("<a"),
    "ends": in_page("</div>"),
    "ends of paragraphs": in_page("</p>"),
    "text": in_page("word "),
    "text without blanks": in_page("a"),
    "text blanks": in_page(" "),
    "text breaks": in_page("\n"),
    "attributes": lambda size: html(
        "<div " + " ".join(f"a{n}=b" for n in range(size // 9)) + "></div>"
    ),
    "attribute": lambda size: html(f"<div class='{repeated('a ', size)}'></div>"),
    "class dashes": lambda size: html(f"<div class='{'-' * size}'></div>"),
    "class words": lambda size: html(f"<div class='{repeated('share-', size)}'></div>"),
    "class recirc": lambda size: html(f"<div class='related{'a' * size}'></div>"),
    "class recirculation": lambda size: html(f"<div class='{repeated('-recirca', size)}'></div>"),
    "classes": in_page("<div class='a-share b-share c'></div>"),
    "heading text": lambda size: html(f"<h2>{repeated('more ', size)}</h2>"),
    "heading blanks": lambda size: html(f"<h2>{'- ' * (size // 2)}</h2>"),
    "heading marks": lambda size: html(f"<h2>{'!' * size}</h2>"),
    "heading share": lambda size: html(f"<h2>share{'!' * size}a</h2>"),
    "note marks": lambda size: html("").replace(b"</article>", b"<p>" + b"!" * min(size, 490) + b"</p></article>"),
    "style": in_page("<style>a{}</style>"),
    "styles": in_page("<p style='a:b'>"),
    "titles": in_head("<title>a</title>"),
    "title": in_head("a", "<title>", "</title>"),
    "metas": in_head("<meta name='a' content='b'>"),
    "metas unlike": lambda size: html(
        "", "".join(f"<meta name='a{n}' content='b'>" for n in range(size // 34))
    ),
    "meta": in_head("a", "<meta name='description' content='", "'>"),
    "meta date": in_head("1", "<meta name='date' content='", "'>"),
    "meta dates": in_head("<meta name='date' content='2020-13-45'>"),
    "meta author": in_head("a@b ", "<meta name='author' content='", "'>"),
    "meta tags": in_head("<meta property='article:tag' content='a,b'>"),
    "meta tag": in_head("a,", "<meta property='article:tag' content='", "'>"),
    "head links": in_head("<link rel='alternate' type='application/rss+xml' href='a'>"),
    "head links unlike": in_head("<link rel='a' href='b'>"),
    "base": in_head("<base href='https://a.example/'>"),
    "base href": in_head("a", "<base href='https://a.example/", "'>"),
    "base slashes": lambda size: html(
        repeated("<a href='../../b'>c</a>", size // 2),
        f"<base href='https://a.example/{repeated('a/', min(size // 2, 100_000))}'>",
    ),
    "urls": in_page("<a href='../../../../../../a/b/c'>b</a>"),
    "url": lambda size: html(f"<a href='{repeated('../', size)}'>b</a>"),
    "json-ld": in_head("[", "<script type='application/ld+json'>", "</script>"),
    "json-ld objects": in_head('{"@graph":', "<script type='application/ld+json'>", "</script>"),
    "json-ld graph": in_head(
        '{"@type":"Article"},', "<script type='application/ld+json'>[", "{}]</script>"
    ),
    "json-ld types": in_head(
        '"a",', "<script type='application/ld+json'>{\"@type\":[", '"a"]}</script>'
    ),
    "json-ld images": in_head(
        '"https://a.example/a.jpg",',
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"image\":[", '""]}</script>'
    ),
    "json-ld images unlike": lambda size: html(
        "",
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"image\":["
        + ",".join(f'"https://a.example/{n}.jpg"' for n in range(size // 32)) + "]}</script>",
    ),
    "json-ld authors": in_head(
        '{"name":"a"},',
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"author\":[", "{}]}</script>"
    ),
    "json-ld text": in_head(
        "a<b>",
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"headline\":\"", '"}</script>'
    ),
    "json-ld date": in_head(
        "1",
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"datePublished\":\"",
        '"}</script>'
    ),
    "json-ld keywords": in_head(
        "a,",
        "<script type='application/ld+json'>{\"@type\":\"Article\",\"keywords\":\"", '"}</script>'
    ),
    "json-ld scripts": in_head("<script type='application/ld+json'>{}</script>"),
    "dates": in_page("<time>1 May 2020</time>"),
    "dates in text": in_page("<p class='date'>1/5/2020 12:30</p>"),
    "date microdata": in_page("<p itemprop='datePublished'>2020"),
    "microdata": in_page("<p itemprop='articleBody'>"),
    "microdata closed": in_page("<div itemprop='articleBody' class='share'></div>"),
    "bylines": in_page("<p class='byline'>a"),
    "bylines closed": in_page("<p class='byline'>a</p>"),
    "authors": in_page("<a rel='author'>a</a>"),
    "author links": in_page("<p class='post-author'>"),
    "srcset": lambda size: html(f"<img srcset='{repeated('a ', size)}'>"),
    "srcset commas": lambda size: html(f"<img srcset='{repeated(',', size)}'>"),
    "data url": lambda size: html(f"<img src='data:image/png;base64,{'A' * size}'>"),
    "alt": lambda size: html(f"<img src='https://a.example/a.jpg' alt='{repeated('a | ', size)}'>"),
    "alt name": lambda size: html(f"<img src='https://a.example/a.jpg' alt='{'a.' * (size // 2)}'>"),
    "caption": lambda size: html(
        f"<figure><img src='https://a.example/a.jpg'><figcaption>{repeated('(Photo: ', size)}</figcaption></figure>"
    ),
    "caption by": lambda size: html(
        f"<figure><img src='https://a.example/a.jpg'><figcaption>{repeated('photo by ', size)}</figcaption></figure>"
    ),
    "caption blanks": lambda size: html(
        f"<figure><img src='https://a.example/a.jpg'><figcaption>a{'- ' * (size // 2)}b</figcaption></figure>"
    ),
    "languages": in_head("a-", "<meta property='og:locale' content='", "'>"),
    "declaration": lambda size: b"<?xml " + b"a" * size + b"<html>",
    "late charset": lambda size: b"<html>" + b"<meta " * (size // 6) + b"charset=utf-8>",
    "windows": lambda size: html("").replace(b"<h1>", b"<p>" + b"\xe9a " * (size // 3) + b"<h1>"),
    "bytes": lambda size: b"<html>" + bytes(range(256)) * (size // 256),
}  # fmt: skip
