"""Finds the pictures that an article's HTML means: lazily loaded ones, emoji, and captions.

Works on parsed trees, in place. `markup` describes the pictures that are there afterwards.
"""

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit

from lxml.html import HtmlElement, builder

from digest.core.text import one_line

MAX_WIDTH = 1600  # px; twice the width of a mail
_SMALL = 64  # px; a source of this width stands for a larger one

# Attributes that only a loader's script writes: whatever `src` is, it is a stand-in.
_LAZY = (
    "data-src", "data-lazy-src", "data-original", "data-lazy", "data-cfsrc", "data-ll-src",
    "data-echo", "data-actualsrc", "data-delayed-url", "data-runner-src", "data-flickity-lazyload",
    "data-lazyload", "data-original-src", "data-img-src", "data-default-src",
)  # fmt: skip
# Attributes that name another size or use of the picture; they serve if `src` is a stand-in.
_OTHER_SIZES = (
    "data-large-file", "data-medium-file", "data-orig-file", "data-full-src", "data-full-url",
    "data-hi-res-src", "data-large-src", "data-image", "data-image-src", "data-url",
    "data-pin-media", "data-zoom-src",
)  # fmt: skip
_SRCSETS = ("data-srcset", "data-lazy-srcset", "data-original-set", "srcset")

_STAND_IN = re.compile(
    r"(?:(?:default|image|img|lazy|\d+(?:x\d+)?)[_.-]?){0,3}"
    r"(?:placeholder|blank|spacer|pixel|loading|loader|spinner|lazy-?load(?:er|ing)?|transparent|1x1|lqip"
    r"|blur(?:red)?|preload(?:er)?|no-?image|clear(?=\S*\.gif)|dot(?=\S*\.gif)|empty(?=\S*\.gif)"
    r"|gr[ae]y(?=\S*\.gif)|white(?=\S*\.gif)|trans(?=\S*\.gif))"
    r"(?:[_.-]?(?:image|img|pixel|placeholder|\d+(?:x\d+)?)){0,3}\.(?:gif|png|jpe?g|svg|webp)",
    re.IGNORECASE,
)
_BLURRED = re.compile(r"(?:\A|[&;,])(?:blur|e_blur|px-blur|lqip)\b", re.IGNORECASE)
_TINY = re.compile(r"(?:\A|[&;,/])(?:w|width|resize|fit|size)[=_](\d{1,4})(?!\d)", re.IGNORECASE)
_PICTURE_END = re.compile(r"\.(?:jpe?g|png|gif|webp|avif)\Z", re.IGNORECASE)
_CANDIDATE = re.compile(r"([^\s,]\S*?),(?=\s)|([^\s,]\S*+)([^,]*+)(?:,|\Z)")
_SEVERAL = re.compile(r"\s\d{1,5}(?:\.\d)?[wx](?:,|\Z)")
_DESCRIPTOR = re.compile(r"(\d{1,5})(?:\.(\d))?([wx])")

_EMOJI_CLASS = re.compile(
    r"(?:\A|[\s_-])(?:wp-smiley|smiley|(?:tw|joy|ap)?emoji(?:one)?|emoticon)(?:\Z|[\s_-])",
    re.IGNORECASE,
)
_EMOJI_HOST = re.compile(
    r"//(?:s\.w\.org/images/core/emoji|[^/]*twimg\.com/emoji|[^/]*twemoji)", re.IGNORECASE
)
_EMOJI_FOLDER = re.compile(r"/(?:(?:tw)?emoji(?:s|one)?|smil(?:ies|eys)|emoticons)/", re.IGNORECASE)
_EMOJI_FILE = re.compile(
    r"/(?:emoji_?u?)?([\da-f]{2,6}(?:[-_][\da-f]{2,6}){0,8})\.(?:png|svg|gif|webp)\Z", re.IGNORECASE
)
_LONGEST_EMOJI = 40  # characters of an alternative text such as ":face_with_tears_of_joy:"

_CAPTION_CLASS = re.compile(
    r"(?:\A|[\s_-])(?:wp-caption-text"
    r"|(?:tr|image|img|photo|picture|media|figure|entry|post|article|gallery|thumb)[-_]?(?:\w{1,30}[-_]{1,2})?caption"
    r"|caption(?:[-_]{1,2}(?:text|body|title|content))?|bildunterschrift|legende)(?:\Z|\s)",
    re.IGNORECASE,
)
_LONGEST_CAPTION = 1200  # characters
_MOST_SOURCES = 12  # of one <picture>
_MOST_CAPTIONS = 50  # of one text


def choose_sources(root: HtmlElement) -> None:
    """Give each <img> the address of the picture it stands for, instead of a stand-in's.

    In this order: what a lazy loader's attributes name, the best of srcset if `src` is a stand-in
    or smaller, <source> elements, other attributes, and the <noscript> that follows.
    """
    for image in list(root.iter("img", "amp-img")):
        image.tag = "img"
        address = _lazy_source(image)
        if address and address != image.get("src"):
            image.set("src", address)
            for name in ("width", "height"):
                if _number(image.get(name, "")) < _SMALL or image.get("srcset"):
                    image.attrib.pop(name, None)


def replace_emoji(root: HtmlElement) -> None:
    """Replace images of emoji by their alternative text, or the character that their file names."""
    for image in list(root.iter("img")):
        if character := emoji_of(image):
            image.tail = character + (image.tail or "")
            image.drop_tree()


def emoji_of(image: HtmlElement) -> str:
    """Return the text that an <img> of an emoji stands for, or "" if it is another image."""
    source, alt = image.get("src", ""), one_line(image.get("alt", ""))
    if len(alt) > _LONGEST_EMOJI:
        return ""
    character = _emoji_of_file(source)
    is_marked = _EMOJI_CLASS.search(image.get("class", "")) or _EMOJI_HOST.search(source)
    is_filed = _EMOJI_FOLDER.search(source) and (character or alt.startswith(":"))
    return (alt or character) if is_marked or is_filed or _is_emoji(alt) else ""


def mark_captions(root: HtmlElement) -> None:
    """Turn what is a caption by its class only into <figcaption>, with its picture in <figure>."""
    marked = (e for e in root.iter() if isinstance(e.tag, str) and _is_marked_caption(e))
    for caption in list(islice(marked, _MOST_CAPTIONS)):
        if not _is_caption(caption) or any(e.tag == "figcaption" for e in caption.iterancestors()):
            continue
        frame = _picture_frame(caption, root)
        if frame is not None:
            _make_figure(frame, caption)
        elif caption.tag not in {"td", "th", "caption", "li"}:
            caption.tag = "figcaption"


def choose_width(candidates: list[tuple[int, str]]) -> str:
    """Return the URL of the widest image up to 1600 px, else of the narrowest, or "".

    A candidate is a width in px and a URL.
    """
    fitting = [pair for pair in candidates if pair[0] <= MAX_WIDTH]
    if fitting:
        return max(fitting, key=lambda pair: pair[0])[1]
    return min(candidates, key=lambda pair: pair[0])[1] if candidates else ""


def parse_srcset(srcset: str) -> list[tuple[int, str]]:
    """Return the candidates of a srcset attribute; a density counts as that many times 400 px."""
    candidates = []
    for bare_url, url, rest in _CANDIDATE.findall(srcset[:20_000]):
        descriptor = _DESCRIPTOR.search(rest)
        width = 400
        if descriptor:
            factor = 1 if descriptor[3] == "w" else 400
            width = int(descriptor[1]) * factor + int(descriptor[2] or 0) * factor // 10
        candidates.append((width, bare_url or url.rstrip(",")))
    return [(width, url) for width, url in candidates if _is_address(url)]


def is_stand_in(url: str) -> bool:
    """Return whether the address is that of a placeholder, a blurred or a tiny preview."""
    if not _is_address(url):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    if _STAND_IN.fullmatch(parts.path.rpartition("/")[2]) or _BLURRED.search(parts.query):
        return True
    width = _TINY.search(parts.query)
    return bool(width) and int(width[1]) <= _SMALL  # type: ignore[index]  # it matched


def _lazy_source(image: HtmlElement) -> str:
    source = image.get("src", "").strip()
    stands_in = is_stand_in(source) or 0 < _number(image.get("width", "")) < _SMALL
    if address := next(_attributes(image, _LAZY), ""):
        return address
    own = [candidate for name in _SRCSETS for candidate in parse_srcset(image.get(name, ""))]
    loads_lazily = any(image.get(name) for name in _SRCSETS[:-1])
    if not (stands_in or loads_lazily):
        return _larger(source, own)
    candidates = own or _picture_sources(image)
    return (
        choose_width(candidates)
        or next(_attributes(image, _OTHER_SIZES), "")
        or next(_any_pictures(image), "")
        or _noscript_source(image)
    )


def _attributes(image: HtmlElement, names: tuple[str, ...]) -> Iterator[str]:
    values = (_without_descriptor(image.get(name, "").strip()) for name in names)
    return (value for value in values if value and not is_stand_in(value))


def _without_descriptor(value: str) -> str:
    """Return an address; some loaders take a whole srcset in place of one."""
    return choose_width(parse_srcset(value)) if _SEVERAL.search(value) else value


def _any_pictures(image: HtmlElement) -> Iterator[str]:
    """Yield the addresses of pictures in any other attribute."""
    for name, value in image.attrib.items():
        is_picture = str(name).startswith("data-") and _PICTURE_END.search(
            str(value).partition("?")[0]
        )
        if is_picture and not is_stand_in(str(value).strip()):
            yield str(value).strip()


def _larger(source: str, candidates: list[tuple[int, str]]) -> str:
    """Return a candidate wider than `source`, if the srcset names both, else ""."""
    widths = [width for width, url in candidates if url == source]
    best = choose_width(candidates)
    best_width = max((width for width, url in candidates if url == best), default=0)
    return best if widths and best_width > max(widths) else ""


def _picture_sources(image: HtmlElement) -> list[tuple[int, str]]:
    """Return the candidates of the <source> elements around an image, of the plainest format."""
    ancestors = islice(image.iterancestors(), _MOST_SOURCES)  # lxml nests one <source> in another
    picture = next((element for element in ancestors if element.tag == "picture"), None)
    if picture is None:
        return []
    plain: list[tuple[int, str]] = []
    modern: list[tuple[int, str]] = []
    for source in picture.iter("source"):
        is_modern = source.get("type", "") in {"image/webp", "image/avif", "image/jxl"}
        values = (source.get(name, "") for name in _SRCSETS)
        candidates = [candidate for value in values for candidate in parse_srcset(value)]
        (modern if is_modern else plain).extend(candidates)
    return plain or modern


def _noscript_source(image: HtmlElement) -> str:
    """Return the source of the <img> in a <noscript> beside an image without one of its own."""
    following = image.getnext()
    if following is None and (parent := image.getparent()) is not None and len(parent) == 1:
        following = parent.getnext()
    if following is None or following.tag != "noscript":
        return ""
    sources = (other.get("src", "").strip() for other in following.iter("img"))
    return next((source for source in sources if source and not is_stand_in(source)), "")


def _is_address(value: str) -> bool:
    return bool(value) and not value.startswith(("data:", "blob:", "about:", "{", "[", "#"))


def _number(value: str) -> int:
    digits = value.strip().removesuffix("px")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def _is_emoji(alt: str) -> bool:
    """Return whether a text is nothing but emoji."""
    return 0 < len(alt) <= 12 and all(_is_emoji_part(ord(c)) for c in alt) and ord(alt[0]) > 0x2000


def _is_emoji_part(code: int) -> bool:
    return (
        0x1F000 <= code < 0x1FB00 or 0x2190 <= code < 0x2C00 or code in {0x200D, 0xFE0F, 0x20E3}
        or 0xE0020 <= code <= 0xE007F
    )  # fmt: skip


def _emoji_of_file(source: str) -> str:
    name = _EMOJI_FILE.search(source.partition("?")[0])
    if not name:
        return ""
    codes = [int(part, 16) for part in re.split("[-_]", name[1])]
    is_valid = all(0x23 <= code < 0x110000 and not 0xD800 <= code < 0xE000 for code in codes)
    return "".join(map(chr, codes)) if is_valid and any(code > 0x2000 for code in codes) else ""


def _is_marked_caption(element: HtmlElement) -> bool:
    classes = element.get("class", "")
    is_marked = bool(_CAPTION_CLASS.search(classes)) and "no-caption" not in classes
    return is_marked and element.tag != "figcaption"


def _is_caption(element: HtmlElement) -> bool:
    return (
        element.getparent() is not None
        and next(element.iter("img"), None) is None
        and len("".join(element.itertext())) <= _LONGEST_CAPTION
    )


def _picture_frame(caption: HtmlElement, root: HtmlElement) -> HtmlElement | None:
    """Return the block that holds only a picture and its caption, or None."""
    caption_tokens = "".join(caption.itertext()).split()
    frame = None
    for element in caption.iterancestors():
        if element is root or element.tag == "figure":
            break
        if "".join(element.itertext()).split() != caption_tokens:
            break
        frame = element
    return frame if frame is not None and len(list(frame.iter("img"))) == 1 else None


def _make_figure(frame: HtmlElement, caption: HtmlElement) -> None:
    """Put the picture and its caption into a <figure> in place of the block around them."""
    image = next(frame.iter("img"))
    link = image.getparent()
    picture = link if link is not None and link.tag == "a" and len(link) == 1 else image
    figcaption = builder.E.figcaption(caption.text or "", *list(caption))
    figure = builder.E.figure()
    figure.tail = frame.tail
    frame.getparent().replace(frame, figure)
    picture.tail = None
    figure.extend([picture, figcaption])
