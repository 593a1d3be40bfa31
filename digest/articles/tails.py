"""Takes off what blogging software adds to the end of a text, in whatever language it says so."""

import re
from urllib.parse import urlsplit

_LONGEST_TAIL = 2000  # characters of the end of a text that are looked at
_MOST_WORDS = 90  # characters beside the links of "The post … appeared first on …"
_LONGEST_LINK = 80  # characters of "Continue reading"

_BLOCK = re.compile(r"<(p|div|em|i|small|footer|section)\b[^<>]*>\s*", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?…»”\])]\s+|\n\s*")
_LINK = re.compile(
    r"""<a\s[^<>]*?href\s*=\s*["']?([^"'\s<>]+)[^<>]*>(.*?)</a\s*>""", re.IGNORECASE | re.DOTALL
)
_TAG = re.compile(r"<[^<>]*>")
_END = re.compile(
    r"(?:\s|&nbsp;|&#160;|\xa0|</?(?:p|div|span|em|i|small|br|hr|footer|section)\b[^<>]*>)*\Z",
    re.IGNORECASE,
)
_INTERRUPTED = re.compile(r"(?:…|\.{3}|&hellip;|&#8230;|\]|[.!?:»”\"])\s*\Z|\A\s*\Z")
_MORE_CLASS = re.compile(r"class\s*=\s*[\"'][^\"']*(?:more|continue|readon)", re.IGNORECASE)


def without_tail(markup: str, url: str, site_url: str = "") -> str:
    """Return HTML without a last paragraph that names article and site, or links to the whole.

    `url` is the article's own address. The paragraph is known by its links, so the language does
    not matter: to the article and to the site's home, with few words beside them.
    """
    if not url or "<a" not in markup.lower():
        return markup
    for _ in range(3):  # a teaser may have both
        shorter = _without_credit(_without_more(markup, url), url, site_url)
        if shorter == markup:
            break
        markup = shorter
    return markup


def without_credit_line(plain: str, title: str, site: str) -> str:
    """Return plain text without a last sentence that names the article and ends with its site."""
    tail = plain[-_LONGEST_TAIL:]
    end = tail.rstrip(" .!")
    place = tail.rfind(title) if title and site and end.endswith(site) else -1
    gap = len(end) - len(site) - place - len(title)
    if place < 0 or not 0 < gap <= _MOST_WORDS:
        return plain
    sentence = max((match.end() for match in _SENTENCE.finditer(tail, 0, place)), default=0)
    if sentence == 0 or place - sentence > _MOST_WORDS // 2:
        return plain
    return plain[: len(plain) - len(tail) + sentence].rstrip()


def _without_credit(markup: str, url: str, site_url: str) -> str:
    offset = max(0, len(markup) - _LONGEST_TAIL)
    tail = markup[offset:]
    links = list(_LINK.finditer(tail))[-2:]
    if (
        len(links) < 2
        or not _same_page(links[0][1], url)
        or not _is_home(links[1][1], url, site_url)
    ):
        return markup
    start = _start_of_block(tail, links[0].start())
    other_text = (
        tail[start : links[0].start()]
        + tail[links[0].end() : links[1].start()]
        + tail[links[1].end() :]
    )
    if len(_TAG.sub("", other_text).strip()) > _MOST_WORDS:
        return markup
    return markup[: offset + start].rstrip()


def _without_more(markup: str, url: str) -> str:
    offset = max(0, len(markup) - _LONGEST_TAIL)
    tail = markup[offset:]
    link = next(reversed(list(_LINK.finditer(tail))), None)
    if link is None or not _END.match(tail, link.end()) or not _same_page(link[1], url):
        return markup
    label = _TAG.sub("", link[2]).strip()
    before = _TAG.sub("", tail[: link.start()])
    stands_apart = _start_of_block(tail, link.start()) == link.start() - len(
        _opening(tail, link.start())
    )
    is_more = _MORE_CLASS.search(link[0]) or stands_apart or _INTERRUPTED.search(before)
    if len(label) > _LONGEST_LINK or not is_more:
        return markup
    return (markup[: offset + link.start()] + markup[offset + link.end() :]).rstrip()


def _opening(tail: str, place: int) -> str:
    """Return the tags that open right before a place."""
    start = _start_of_block(tail, place)
    between = tail[start:place]
    return between if not _TAG.sub("", between).strip() else ""


def _start_of_block(tail: str, place: int) -> int:
    """Return where the last block or line that begins before a place does, or the place itself."""
    starts = [match.start() for match in _BLOCK.finditer(tail, 0, place)]
    ends = [
        match.end()
        for match in re.finditer(
            r"</(?:p|div|blockquote|ul|ol|table|h\d)\s*>|<br\s*/?>", tail[:place], re.IGNORECASE
        )
    ]
    start = max([*starts[-1:], *ends[-1:]], default=-1)
    if start >= 0:
        return start
    sentence = [match.end() for match in _SENTENCE.finditer(tail, 0, place)]
    return sentence[-1] if sentence else 0


def _same_page(link: str, url: str) -> bool:
    return bool(_page(link)) and _page(link) == _page(url)


def _page(link: str) -> str:
    """Return what two links to a page have in common: host and path, without tracking."""
    try:
        parts = urlsplit(link.replace("&amp;", "&").replace("&#038;", "&"))
    except ValueError:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    query = "&".join(
        p for p in parts.query.split("&") if p and not p.startswith(("utm_", "rss", "source="))
    )
    return f"{host}{parts.path.rstrip('/')}?{query}" if host else ""


def _is_home(link: str, url: str, site_url: str) -> bool:
    """Return whether a link leads to the site of an article: its root, or a folder above it."""
    home, page = _page(link).rstrip("?"), _page(url)
    if not home or home == page.rstrip("?"):
        return False
    host, _, folder = home.partition("/")
    is_near = not folder or (page.startswith(f"{host}/") and "/" not in folder)
    is_above = page.startswith(f"{home}/") or _same_page(link, site_url)
    return is_above or (is_near and "?" not in home)
