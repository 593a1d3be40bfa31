"""An HTML body as publishers put it into feeds: its URLs made absolute, its lead image found."""

import html
import re
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from digest.articles.parsing.base import Image
from digest.articles.plain_text import is_pixel, line, text, web_url

# Pictures that stand in articles and are none of theirs: avatars, emoji, share buttons, badges.
_NO_LEAD = re.compile(
    r"gravatar\.com|/avatars?[/.-]|avatars\d*\.githubusercontent|emoji|smiley|/icons?/|share[-_]|"
    r"feeds\.feedburner|spacer|blank\.gif|pixel\.gif|pheedo\.com|facebook|twitter|placeholder|sprite|loader|"
    r"\.svg(?:\?|\Z)",
    re.IGNORECASE,
)
_FRAMES = 4  # levels above a picture at which its caption may stand
_CAPTION_ROOM = 1200  # characters; what holds more is the article
SMALLEST = 64  # px; what is declared smaller is decoration
_WIDEST = 1600  # px; twice the column of a mail, more is only weight

_CREDIT = re.compile(r"credit|byline|photographer|copyright|attribution|quelle", re.IGNORECASE)
_CAPTION = re.compile(r"caption", re.IGNORECASE)
# `…, 2023. Photo: Ada Marsh/AP`, `(AP Photo/Ada Marsh)`, `© Ada Marsh`, `Image by Getty Images`
_CREDIT_TAIL = re.compile(
    r"(?:\A|(?<=[\s.!?|)”\"]))[\s(\[|/–—-]*"  # noqa: RUF001  dashes that writers use
    r"((?:(?:Photos?|Photograph(?:er|y)?|Images?|Pictures?|Illustration|Credit|Foto(?:s|grafie)?|"
    r"Bild|Quelle|Crédits?|Crédito|Imagen|Fotografía)"
    r"(?:\s+(?:credit|copyright|courtesy))?(?:\s*:\s*|\s+(?:by|courtesy\s+of)\s+)"
    r"|©\s*|\((?=(?:AP|AFP|Reuters)\s+Photo)|(?:AP|AFP|Reuters)\s+Photo\s*/)"
    r"(?:[^.!?]|(?<=[\s.][A-Z])\.|\.(?=\S)){2,200})[\s.)\]]*\Z",
    re.IGNORECASE,
)
# `(Ellen M. Banner / The Seattle Times)`, `(onmeth.com)`
_CREDIT_BRACKET = re.compile(r"\(([^()]{2,100}/[^()]{2,100}|[^()\s]{2,60}\.[a-z]{2,6})\)\s*\Z")
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|tiff?)", re.IGNORECASE)
_SIZE = re.compile(
    r"[-_](?:[tw]\d{2,4}|\d{2,4}w|\d{2,4}x\d{2,4}(?:[-_]\w{1,6})?|scaled|\d{3,4}[-_](?:social|og|share))\Z",
    re.IGNORECASE,
)


def parsed(markup: str, base: str = "") -> HtmlElement | None:
    """Return a fragment as a tree with absolute URLs, or None where there is nothing to parse."""
    if "<" not in markup:
        return None
    try:
        root = fragment_fromstring(_xml_safe(markup), create_parent="div")
    except (etree.ParserError, ValueError, AssertionError):
        return None
    wake(root)
    make_absolute(root, base)
    return root


def serialised(root: HtmlElement) -> str:
    """Return what is inside a tree's root as HTML."""
    inside = "".join(etree.tostring(e, encoding="unicode", method="html") for e in root)
    return html.escape(root.text or "", quote=False) + inside


def make_absolute(root: HtmlElement, base: str) -> None:
    """Resolve the links and images of a tree against `base`, where that can be done."""
    for name in ("href", "src", "cite", "poster"):
        for element in root.xpath(f".//*[@{name}]"):
            element.set(name, absolute(element.get(name), base))


def absolute(url: str, base: str) -> str:
    """Return `url` resolved against `base`; as it is where either makes no sense."""
    try:
        return urljoin(base, url.strip())
    except ValueError:
        return url


def wake(root: HtmlElement) -> None:
    """Give images that load late their address: data-src, srcset or the picture around them."""
    for image in root.iter("img"):
        source = image.get("src", "")
        if source and not source.startswith("data:") and not _NO_LEAD.search(source):
            continue
        sleeping = next((image.get(n) for n in _SLEEPING if image.get(n)), "") or _widest(
            [image.get("srcset", ""), image.get("data-srcset", ""), *_alternatives(image)]
        )
        if sleeping:
            image.set("src", sleeping)


_SLEEPING = ("data-src", "data-lazy-src", "data-original", "data-hi-res-src", "data-pin-media")


def _alternatives(image: HtmlElement) -> list[str]:
    parent = image.getparent()
    if parent is None or parent.tag != "picture":
        return []
    return [s.get("srcset") or s.get("data-srcset", "") for s in parent.iter("source")]


def _widest(srcsets: list[str]) -> str:
    """Return the URL of a srcset that suits a mail best."""
    found = []
    for srcset in srcsets:
        for url, width in re.findall(r"(\S+?)(?:\s+(\d{1,5})[wx])?\s*(?:,\s+|,?\Z)", srcset):
            found.append((int(width or 0), url))
    return best_width(found)


def best_width(found: list[tuple[int, str]]) -> str:
    """Return the URL of the widest picture up to 1600 px, otherwise the least wide; "" for none."""
    fitting = [pair for pair in found if pair[0] <= _WIDEST]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    return min(found, key=lambda pair: pair[0])[1] if found else ""


def may_lead(url: str) -> bool:
    """Say whether a picture's address looks like one of the article's own pictures."""
    return bool(web_url(url)) and not _NO_LEAD.search(url)


def lead_image(root: HtmlElement) -> Image:
    """Return the first real picture of a body, with caption and credit if a figure holds it."""
    return next((described(picture) for picture in root.iter("img") if may_show(picture)), Image())


def may_show(picture: HtmlElement) -> bool:
    """Say whether an <img> is a picture of the article's, large enough to lead."""
    return may_lead(picture.get("src", "")) and not is_pixel(picture) and not _is_small(picture)


def described(picture: HtmlElement) -> Image:
    """Return a picture with what the page says about it: alt, caption, credit."""
    alt = line(picture.get("alt", ""))
    alt = "" if _FILE_NAME.fullmatch(alt) else alt
    frame = _frame(picture)
    caption, credit = ("", "") if frame is None else _caption(frame)
    caption = caption or line(text(picture.get("data-caption", "")))
    credit = credit or line(
        picture.get("data-credit") or picture.get("data-portal-copyright") or ""
    )
    caption, credit = split_credit(caption, credit)
    if not credit and " | " in alt:  # a German broadcaster's way: "What it shows | dpa"
        alt, _, credit = alt.rpartition(" | ")
    return Image(picture.get("src", ""), alt, caption, credit)


def loose_caption(page: HtmlElement) -> tuple[str, str]:
    """Return caption and credit that a page shows apart from its lead image, above the prose."""
    begun = 0
    for element in page.iter():
        if not isinstance(element.tag, str) or element.tag == "figure":
            continue
        said = words(element) if element.tag == "p" or _is_caption(element) else ""
        if _is_caption(element) and 10 < len(said) < _CAPTION_ROOM // 2:
            return split_credit(*_caption(element))
        begun += element.tag == "p" and len(said) > 80
        if begun > 2:
            break
    return "", ""


def split_credit(caption: str, credit: str) -> tuple[str, str]:
    """Return caption and credit, the credit cut from the caption's end if it stands there."""
    caption, credit = line(caption), line(credit)
    if credit:
        if caption.endswith(credit):
            caption = caption[: -len(credit)].rstrip(" |(/–—-")  # noqa: RUF001  dashes that writers use
        return caption, credit.strip("()[] ")
    found = _CREDIT_TAIL.search(caption[-300:]) or _CREDIT_BRACKET.search(caption[-300:])
    if not found:
        return caption, ""
    return caption[: max(0, len(caption) - 300) + found.start()].rstrip(" |(/"), found[1].strip(
        "() "
    )


def _frame(picture: HtmlElement) -> HtmlElement | None:
    """Return the figure around a picture, or the nearest block around both it and its caption."""
    if (beside := _caption_beside(picture)) is not None:
        return beside
    for levels, element in enumerate(picture.iterancestors()):
        if (
            element.tag in {"figure", "figcaption"}
            or "wp-caption" in element.get("class", "").split()
        ):
            return element
        if levels >= _FRAMES or len(" ".join(element.itertext())) > _CAPTION_ROOM:
            return None
        if any(_is_caption(e) for e in element.iter() if e is not element):
            return element
    return None


def _caption_beside(picture: HtmlElement) -> HtmlElement | None:
    """Return the caption that stands right after a picture, or after the link around it."""
    for element in (picture, picture.getparent()):
        beside = element.getnext() if element is not None and element.tag in {"img", "a"} else None
        if beside is not None and isinstance(beside.tag, str) and _is_caption(beside):
            return beside
    return None


def _is_caption(element: HtmlElement) -> bool:
    said = _class(element)
    return bool(_CAPTION.search(said) or _CREDIT.search(said)) and "no-caption" not in said


def _caption(figure: HtmlElement) -> tuple[str, str]:
    """Return the texts of a figure's caption and credit, apart."""
    credit = _text_of(figure, _CREDIT) or line(figure.get("data-portal-copyright", ""))
    if not credit:
        credit = next((words(e) for e in figure.iter("cite")), "")
    captions = list(figure.iter("figcaption")) or [
        e for e in figure.iter() if _CAPTION.search(_class(e)) and not _CREDIT.search(_class(e))
    ]
    caption = next((t for e in captions if (t := words(e))), "")
    if credit and credit in caption:
        caption = line(caption.replace(credit, " "))
    return caption, credit


def _text_of(figure: HtmlElement, pattern: re.Pattern[str]) -> str:
    """Return the shortest text under a class that matches: what stands innermost."""
    found = [
        words(element)
        for element in figure.iter()
        if element.tag != "figure" and pattern.search(_class(element))
    ]
    return min((said for said in found if said), key=len, default="")


def words(element: HtmlElement) -> str:
    """Return what an element says, on one line; blocks are parted by a space."""
    return line(text(etree.tostring(element, encoding="unicode", method="html", with_tail=False)))


def _class(element: HtmlElement) -> str:
    if not isinstance(element.tag, str):
        return ""
    return f"{element.get('class', '')} {element.get('itemprop', '')}"


def _is_small(picture: HtmlElement) -> bool:
    return any(
        size.isdigit() and int(size) < SMALLEST
        for size in (picture.get("width", ""), picture.get("height", ""))
    )


def _xml_safe(markup: str) -> str:
    """Drop what lxml refuses in a string: NUL and other controls."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", markup)


def same_picture(one: str, other: str) -> bool:
    """Say whether two addresses show the same picture, in whatever size and format."""
    return bool(one) and _picture_name(one) == _picture_name(other)


def _picture_name(url: str) -> str:
    name = urlsplit(url).path.rstrip("/").rpartition("/")[2].rpartition(".")[0]
    return _SIZE.sub("", name).lower() or url
