"""Alternative texts of pictures: what may stand in for a picture that is not shown or not seen.

A mail program that blocks pictures shows it in their place, and a screen reader reads it. A file's
name, the word "image", and the headline again say nothing: such a picture is decoration, and its
alternative text is empty (WCAG 2.2, H67).
"""

import re

_FILE = re.compile(
    r"\S{0,200}\.(?:jpe?g|jfif|png|gif|webp|avif|heic|tiff?|bmp|svg)(?:\?\S{0,200})?"
    r"|[\w ()%+.,-]{1,200}\.(?:jpe?g|jfif|png|gif|webp|avif|heic|tiff?|bmp|svg)",
    re.IGNORECASE,
)
# IMG_1234, DSC0001, 20191118_120000, photo-1 (2), 3f5a9c…, mayor-at-the-quay-1024x683
_NUMBERED = re.compile(
    r"(?:img|image|dsc[nf]?|dscf|pxl|mvi|gopr|p|screen\W?shot|bildschirmfoto|whatsapp\W?image|photo|foto|bild|pic"
    r"|picture|untitled|unnamed|download|unknown|file|shutterstock|istock|gettyimages|adobestock|pexels|unsplash)?"
    r"[\s_-]*\d[\d\s_.,x():-]*(?:at\s[\d.]+(?:\s?[ap]m)?)?|[\da-f]{12,}|[\da-f]{8}(?:-[\da-f]{4,12}){4}",
    re.IGNORECASE,
)  # fmt: skip
_SLUG = re.compile(r"(?=\S*[-_]\S*[-_]|\S*\d)[a-z0-9]+(?:[-_][a-z0-9]+)+", re.IGNORECASE)
_NO_DESCRIPTION = re.compile(
    r"\W*(?:(?:an?|the|this|eine?|une?|una?|featured|lead|main|article|post|hero|cover|header|teaser|preview|file)\s+)*"
    r"(?:images?|pictures?|photos?|photographs?|pics?|imgs?|thumbnails?|thumb|figures?|graphics?|illustrations?"
    r"|placeholder|untitled|unnamed|null|none|undefined|default|alt(?:ernative)?(?:\s+text)?|no\s+(?:alt|description|caption)"
    r"|bild(?:er)?|fotos?|symbolbild|abbildung|imag(?:en|em|enes|ens|ine|ini)|immagin[ei]|afbeelding(?:en)?"
    r"|fotografías?|illustrationen?|תמונה|צילום|صورة)?(?:\s*\d+)?\W*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\w+")


def describe_picture(alt: str, caption: str, headline: str) -> str:
    """Return the text for a picture: its alternative text, its caption, or "" for decoration."""
    return next((text for text in (alt, caption) if is_description(text, headline)), "")


def is_description(text: str, headline: str = "") -> bool:
    """Return whether a text says what a picture shows, and more than the headline beside it."""
    text = text.strip()
    is_name = any(p.fullmatch(text) for p in (_FILE, _NUMBERED, _SLUG, _NO_DESCRIPTION))
    return bool(text) and not is_name and _tokens(text) != _tokens(headline)


def _tokens(text: str) -> list[str]:
    return [token.casefold() for token in _TOKEN.findall(text)]
