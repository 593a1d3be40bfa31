"""Removes shortcodes, WordPress's own markup, that a plugin or an old post left in the text.

`[vc_row]`, `[gallery ids="1,2"]` and the like vanish, and what a paired one encloses stays, unless
it is only an address for a player. `[sic]`, `[1]` and `[…]` are writing, and stay.
"""

import re

_TAG = re.compile(
    r"\[(?P<escaped>\[)?(?P<close>/?)(?P<name>[a-zA-Z][\w-]{0,60})"
    r"(?P<attributes>=[^\[\]<>\s]{1,300}|\s+https?://[^\[\]<>\s]{1,500}|(?:\s+[\w:-]{1,60}\s*=(?:\"[^\"\[<>]{0,500}\"|'[^'\[<>]{0,500}'|[^\[\]<>])*+)?)"
    r"\s*/?\](?(escaped)\])",
)
_CAPTION = re.compile(
    r"\[(?P<name>wp_caption|caption)(?P<attributes>\s[^\[\]]{0,1000})?\]"
    r"(?P<inside>[^\[]{1,8000}+)\[/(?P=name)\]",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"(?:<a\s[^<>]*>\s*)?<img\s[^<>]*>(?:\s*</a>)?", re.IGNORECASE)
_CAPTION_ATTRIBUTE = re.compile(r"""\scaption=(?:"([^"]*)"|'([^']*)')""")
_CUT_OFF = re.compile(r"\[/?[a-zA-Z][\w-]{0,60}\s+[\w:-]{1,60}=[^\[\]<>]{0,1000}\Z")

_CODE = re.compile(r"(<(?:pre|code)\b.*?(?:</(?:pre|code)\s*>|\Z))", re.IGNORECASE | re.DOTALL)

# What these enclose is an address or a setting, not text.
_ENCLOSING = (
    "embed|audio|video|youtube|vimeo|playlist|gallery|iframe|googlemaps?|soundcloud|tweet|twitter|"
    "instagram"
)
_WITH_CONTENT = re.compile(
    rf"\[(?P<name>{_ENCLOSING})(?:\s[^\[\]<>]{{0,500}})?\](?P<inside>[^\[<]{{0,1000}}+"
    rf"(?:<a\s[^<>]*>[^<\[]*</a>)?\s*)\[/(?P=name)\]",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:embed|gallery|playlist|youtube|toc|caption|adsense|contact-form(?:-7)?)\Z", re.IGNORECASE
)


def without_shortcodes(markup: str) -> str:
    """Return HTML or text without shortcodes; `[caption]` becomes a figure with its caption.

    What stands in `<code>` and `<pre>` is shown as it is.
    """
    if "[" not in markup:
        return markup
    parts = _CODE.split(markup)  # text and code in turns
    return "".join(part if n % 2 else _without(part) for n, part in enumerate(parts))


def _without(markup: str) -> str:
    markup = _CAPTION.sub(_figure, markup)
    markup = _WITH_CONTENT.sub("", markup)
    closed = {tag["name"].lower() for tag in _TAG.finditer(markup) if tag["close"]}
    return _CUT_OFF.sub("", _TAG.sub(lambda tag: _replacement(tag, closed), markup))


def _replacement(tag: re.Match[str], closed: set[str]) -> str:
    if tag["escaped"]:  # [[gallery]] is how a post writes about the shortcode
        return tag[0]
    name = tag["name"].lower()
    follows_word = (
        tag.start() > 0 and tag.string[tag.start() - 1].isalnum()
    )  # an index, as in rows[next_row]
    is_known = _ALONE.match(name) or ("_" in name and not follows_word)
    is_shortcode = tag["close"] or tag["attributes"] or name in closed or is_known
    return "" if is_shortcode else tag[0]


def _figure(caption: re.Match[str]) -> str:
    inside = caption["inside"]
    image = _IMAGE.search(inside)
    if image is None:
        return ""
    wording = (inside[: image.start()] + inside[image.end() :]).strip()
    if not wording and (attribute := _CAPTION_ATTRIBUTE.search(caption["attributes"] or "")):
        wording = attribute[1] or attribute[2] or ""
    return f"<figure>{image[0]}<figcaption>{wording}</figcaption></figure>"
