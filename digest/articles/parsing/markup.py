"""Reads publishers' HTML: makes URLs absolute, and finds lead images, captions and credits."""

import html
import re
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.html import HtmlElement, fragment_fromstring

from digest.articles.parsing import pictures
from digest.articles.parsing.base import Image
from digest.articles.parsing.shortcodes import without_shortcodes
from digest.articles.plain_text import is_pixel, mend_references, text
from digest.core.text import LONGEST_URL, one_line, web_url

# Images that are never an article's own: avatars, emoji, share buttons, badges.
_NEVER_LEAD = re.compile(
    r"gravatar\.com|/avatars?[/.-]|avatars\d*\.githubusercontent|emoji|smiley|/icons?/|share[-_]|"
    r"feeds\.feedburner|spacer|blank\.gif|pixel\.gif|pheedo\.com|(?:facebook|twitter)[^/.]*\.(?:png|gif)|"
    r"//(?:www\.)?(?:facebook|twitter)\.com/|placeholder|sprite|(?<!up)(?<!down)loader|"
    r"\.svg(?:\?|\Z)",
    re.IGNORECASE,
)
_MAX_LEVELS = 4  # levels above an image at which its caption may be
_MAX_CAPTIONS = 5  # of a figure
_MAX_PARTS = 200  # elements; a block with more is not a figure
_MAX_CAPTION = 1200  # characters; an element with more is the article
_MAX_CREDIT = 200  # characters
MIN_WIDTH = 64  # px; a smaller image is decoration

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


def parse_fragment(markup: str, base: str = "") -> HtmlElement | None:
    """Parse a fragment into a tree with absolute URLs; None if there is no markup in it."""
    markup = without_shortcodes(mend_references(markup))
    if "<" not in markup:
        return None
    try:
        root = fragment_fromstring(xml_safe(markup), create_parent="div")
    except (etree.ParserError, ValueError, AssertionError):
        return None
    pictures.choose_sources(root)
    pictures.replace_emoji(root)
    pictures.mark_captions(root)
    make_absolute(root, base)
    return root


def serialize(root: HtmlElement) -> str:
    """Return the content of a tree's root as HTML."""
    inside = "".join(etree.tostring(e, encoding="unicode", method="html") for e in root)
    return html.escape(root.text or "", quote=False) + inside


def make_absolute(root: HtmlElement, base: str) -> None:
    """Resolve the links and images of a tree against `base`, in place."""
    for name in ("href", "src", "cite", "poster"):
        for element in root.xpath(f".//*[@{name}]"):
            address = absolute_url(element.get(name), base)
            element.set(name, web_url(address) or xml_safe(address))


def absolute_url(url: str, base: str) -> str:
    """Return `url` resolved against `base`, or `url` unchanged if either is not valid.

    A host without a scheme, as in `//host/` and `www.host.example`, is reached by https.
    """
    url = url.strip()
    if url.lower().startswith("www."):
        url = f"//{url}"
    if len(base) > LONGEST_URL:
        return url
    try:
        address = urljoin(base, url)
    except ValueError:
        return url
    return f"https:{address}" if address.startswith("//") else address


def can_lead(url: str) -> bool:
    """Return whether the address of an image looks like one of the article's own images."""
    return bool(web_url(url)) and not (_NEVER_LEAD.search(url) or pictures.is_stand_in(url))


def find_lead_image(root: HtmlElement) -> Image:
    """Return the first content image of a body, with caption and credit if it has them."""
    return next(
        (describe_image(picture) for picture in root.iter("img") if is_content_image(picture)),
        Image(),
    )


def is_content_image(picture: HtmlElement) -> bool:
    """Return whether an <img> is one of the article's own images, and large enough to lead."""
    return can_lead(picture.get("src", "")) and not is_pixel(picture) and not _is_small(picture)


def describe_image(picture: HtmlElement) -> Image:
    """Return an image with its alternative text, caption and credit."""
    alt = one_line(picture.get("alt", ""))
    alt = "" if _FILE_NAME.fullmatch(alt) else alt
    frame = _frame(picture)
    caption, credit = ("", "") if frame is None else _caption(frame)
    credit = credit or _credit_after(frame)
    caption = caption or one_line(text(picture.get("data-caption", "")))
    credit = credit or one_line(
        picture.get("data-credit") or picture.get("data-portal-copyright") or ""
    )
    caption, credit = split_credit(caption, credit)
    if not credit and " | " in alt:  # a German broadcaster's form: "Caption | dpa"
        alt, _, credit = alt.rpartition(" | ")
    return Image(picture.get("src", ""), alt, caption, credit)


def find_loose_caption(page: HtmlElement) -> tuple[str, str]:
    """Return caption and credit that a page shows above its prose, apart from the lead image."""
    paragraphs = 0
    for element in page.iter():
        if not isinstance(element.tag, str) or element.tag == "figure":
            continue
        caption_text = text_of(element) if element.tag == "p" or _is_caption(element) else ""
        if _is_caption(element) and 10 < len(caption_text) < _MAX_CAPTION // 2:
            return split_credit(*_caption(element))
        paragraphs += element.tag == "p" and len(caption_text) > 80
        if paragraphs > 2:
            break
    return "", ""


def split_credit(caption: str, credit: str) -> tuple[str, str]:
    """Return caption and credit; a credit at the end of the caption is moved out of it."""
    caption, credit = one_line(caption), one_line(credit)
    if credit:
        if caption.endswith(credit):
            caption = caption[: -len(credit)].rstrip(" |(/–—-")  # noqa: RUF001  dashes that writers use
        return caption, credit.strip("()[] ")
    match = _CREDIT_TAIL.search(caption[-300:]) or _CREDIT_BRACKET.search(caption[-300:])
    if not match:
        return caption, ""
    end = max(0, len(caption) - 300) + match.start()
    return caption[:end].rstrip(" |(/"), match[1].strip("() ")


def _frame(picture: HtmlElement) -> HtmlElement | None:
    """Return the figure around an image, or the smallest block that holds it and its caption."""
    if (caption := _caption_after(picture)) is not None:
        return caption
    for levels, element in enumerate(picture.iterancestors()):
        if (
            element.tag in {"figure", "figcaption"}
            or "wp-caption" in element.get("class", "").split()
        ):
            return element
        parts = _parts(element)
        if levels >= _MAX_LEVELS or len(parts) > _MAX_PARTS:
            return None
        if len(" ".join(element.itertext())) > _MAX_CAPTION:
            return None
        if any(_is_caption(part) for part in parts[1:]):
            return element
    return None


def _parts(element: HtmlElement) -> list[HtmlElement]:
    """Return an element and what it holds; not all of it if it is too large for a figure."""
    return list(islice(element.iter(), _MAX_PARTS + 1))


def _caption_after(picture: HtmlElement) -> HtmlElement | None:
    """Return the caption right after an image, or after the link around it."""
    for element in (picture, picture.getparent()):
        follows = element is not None and element.tag in {"img", "a"}
        sibling = element.getnext() if follows else None
        if sibling is not None and isinstance(sibling.tag, str) and _is_caption(sibling):
            return sibling
    return None


def _credit_after(caption: HtmlElement | None) -> str:
    """Return the credit that stands beside a caption, in an element of its own."""
    sibling = None if caption is None or caption.tag == "figure" else caption.getnext()
    if sibling is None or not _CREDIT.search(_class(sibling)):
        return ""
    credit = text_of(sibling)
    return credit if len(credit) <= _MAX_CREDIT else ""


def _is_caption(element: HtmlElement) -> bool:
    classes = _class(element)
    return bool(_CAPTION.search(classes) or _CREDIT.search(classes)) and "no-caption" not in classes


def _caption(figure: HtmlElement) -> tuple[str, str]:
    """Return the texts of a figure's caption and of its credit."""
    credit = _innermost_text(figure, _CREDIT) or one_line(figure.get("data-portal-copyright", ""))
    if not credit:
        credit = next((text_of(e) for e in figure.iter("cite")), "")
    parts = _parts(figure)
    captions = [e for e in parts if e.tag == "figcaption"] or [
        e for e in parts if _CAPTION.search(_class(e)) and not _CREDIT.search(_class(e))
    ]
    caption = next((t for e in captions[:_MAX_CAPTIONS] if (t := text_of(e))), "")
    if credit and credit in caption:
        caption = one_line(caption.replace(credit, " "))
    return caption, credit


def _innermost_text(figure: HtmlElement, pattern: re.Pattern[str]) -> str:
    """Return the shortest text of the elements whose class matches: that of the innermost one."""
    texts = [
        text_of(element)
        for element in _parts(figure)
        if element.tag != "figure" and pattern.search(_class(element))
    ]
    return min(filter(None, texts), key=len, default="")


def text_of(element: HtmlElement) -> str:
    """Return the text of an element on one line, with a space between blocks."""
    return one_line(
        text(etree.tostring(element, encoding="unicode", method="html", with_tail=False))
    )


def _class(element: HtmlElement) -> str:
    if not isinstance(element.tag, str):
        return ""
    return f"{element.get('class', '')} {element.get('itemprop', '')}"


def _is_small(picture: HtmlElement) -> bool:
    return any(
        size.isdigit() and int(size) < MIN_WIDTH
        for size in (picture.get("width", ""), picture.get("height", ""))
    )


def xml_safe(markup: str) -> str:
    """Remove what lxml refuses in a string: NUL and other control characters."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", markup)


def is_same_picture(url: str, other_url: str) -> bool:
    """Return whether two addresses show the same image, in any size and format."""
    return bool(url) and _picture_name(url) == _picture_name(other_url)


def _picture_name(url: str) -> str:
    name = urlsplit(url).path.rstrip("/").rpartition("/")[2].rpartition(".")[0]
    return _SIZE.sub("", name).lower() or url
