"""Headlines as they may be shown: one line, with angle brackets that are writing, said once.

`headline` makes plain text of a title's HTML. `name_entry` names an entry that has no title, and
takes out of the text what the title says already.
"""

import html
import re
import unicodedata
from dataclasses import replace

from digest.articles.parsing.base import Entry, Image
from digest.articles.plain_text import first_sentences, mend_references
from digest.core.alt_text import describe_picture
from digest.core.text import one_line

LONGEST_TITLE = 1000
_LONGEST_MARKUP = 20_000  # characters of a title that are read
_NAME = 120  # characters of a title that we make ourselves
_WHOLE = 180  # characters of a text that is its own title

_ATTRIBUTES = r"""(?:\s+[\w:@.-]{1,40}\s*=\s*(?:"[^"<]*"|'[^'<]*'|[^\s"'<>=]+))*\s*/?"""
_PAIRED = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|"
    "strike|strong|sub|sup|tt|u|var|time|nobr|ruby|rt|rp|p|div|h[1-6]|center|li"
)
_TAG = re.compile(rf"<(/?)({_PAIRED})((?<!/)(?=\s){_ATTRIBUTES}|\s*/?)>", re.IGNORECASE)
_VOID = re.compile(rf"<(br|wbr|hr)\s*/?>|<(img)(?=\s)({_ATTRIBUTES})>", re.IGNORECASE)
_CODE = re.compile(r"<(script|style)\b[^<>]*>[^<]*(?:<(?!/\1)[^<]*)*</\1\s*>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ALT = re.compile(r"""\salt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_BLOCKS = {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "center"}

_NO_TITLE = re.compile(
    r"\W*(?:untitled(?:\s+(?:post|article|document))?|no\s+title|\(no\s+subject\)|no\s+headline|ohne\s+titel"
    r"|kein\s+titel|sans\s+titre|sin\s+t[íi]tulo|senza\s+titolo|sem\s+t[íi]tulo|zonder\s+titel|geen\s+titel"
    r"|bez\s+tytułu|без\s+названия|ללא\s+כותרת|بدون\s+عنوان|無題|无标题|null|undefined|none)\W*",
    re.IGNORECASE,
)
_SAYING = {"Lu", "Ll", "Lt", "Lo", "Nd", "Nl", "No", "So"}  # letters, numbers, emoji
_CUT_OFF = re.compile(r"\s*(?:…|\.{3,}|\[…\]|\[\.{3}\])\s*\Z")
_TOKEN = re.compile(r"\w+")


def headline(markup: str) -> str:
    """Return a title as plain text on one line.

    The tags that HTML has for words within a line vanish, in pairs; every other `<…>` is writing
    ("List<String>", "the <select> element") and stays. Entities are decoded once.
    """
    markup = _CDATA.sub(r"\1", mend_references(markup[:_LONGEST_MARKUP]))
    markup = _CODE.sub("", markup)
    markup = _VOID.sub(_void, markup)
    plain = html.unescape(_without_pairs(markup).replace("\xa0", " "))
    return one_line(plain, LONGEST_TITLE)


def is_title(title: str) -> bool:
    """Return whether a title says anything, and is not a program's "[no title]"."""
    is_visible = any(unicodedata.category(c) in _SAYING for c in title)
    return is_visible and not _NO_TITLE.fullmatch(title)


def name_entry(entry: Entry, fallback: str) -> Entry:
    """Return a cleaned entry with a title, and with a summary that does not say it again.

    A post without a title is named by its text, else by its picture, else by `fallback`. A text
    that goes on after its name begins with an ellipsis.
    """
    title, summary = entry.title if is_title(entry.title) else "", entry.summary
    if not title and summary:
        title = summary if len(summary) <= _WHOLE else first_sentences(summary, _NAME)
    elif (stem := _CUT_OFF.sub("", title)) != title and _begins(summary, stem):
        title = summary if len(summary) <= _WHOLE else title
    title = title or describe_picture(entry.image.alt, entry.image.caption, "") or fallback
    return replace(
        entry,
        title=title,
        summary=without_title(summary, title),
        image=_without_caption(entry.image, title),
    )


def is_cut_off(title: str) -> bool:
    """Return whether a title ends with an ellipsis."""
    return bool(_CUT_OFF.search(title))


def without_title(text: str, title: str) -> str:
    """Return plain text without the title at its beginning, if the title is a sentence of it."""
    stem = _CUT_OFF.sub("", title)
    if not _begins(text, stem):
        return text
    rest = text[_end_of(text, len(_TOKEN.findall(stem))) :]
    if stem != title:
        rest = rest.lstrip()
        return f"…{rest}" if _TOKEN.search(rest) else ""
    ends = re.match(r"[\"'”’»)\]]*\s*(?:[.!?:…。！？–—|-]+[\"'”’»)\]]*|\n|\Z)\s*", rest)  # noqa: RUF001  marks that writers use
    if not ends:
        return text
    rest = rest[ends.end() :]
    return rest if _TOKEN.search(rest) else ""


def same_words(first: str, second: str) -> bool:
    """Return whether two texts are the same but for case, blanks and punctuation."""
    return bool(_tokens(first)) and _tokens(first) == _tokens(second)


def _begins(text: str, stem: str) -> bool:
    """Return whether a text begins with the words of a title, whatever the marks between."""
    tokens = _tokens(stem)
    return bool(tokens) and _tokens(text[: 2 * len(stem) + 40])[: len(tokens)] == tokens


def _tokens(text: str) -> list[str]:
    return [token.casefold() for token in _TOKEN.findall(text)]


def _end_of(text: str, tokens: int) -> int:
    """Return where the given number of words ends in a text."""
    for number, token in enumerate(_TOKEN.finditer(text), 1):
        if number == tokens:
            return token.end()
    return len(text)


def _without_caption(image: Image, title: str) -> Image:
    """Return an image without a caption that only repeats the title."""
    is_repeated = same_words(image.caption, title)
    return replace(image, caption="") if is_repeated else image


def _void(tag: re.Match[str]) -> str:
    if tag[2]:
        alt = _ALT.search(tag[3])
        return (alt[1] or alt[2] or "") if alt else ""
    return "" if tag[1].lower() == "wbr" else " "


def _without_pairs(markup: str) -> str:
    """Return a title without the tags that belong together; single ones are writing.

    A single tag at the very beginning or end is what cutting a title has left.
    """
    tags = list(_TAG.finditer(markup))
    paired = _pairs(tags)
    pieces, place = [], 0
    for number, tag in enumerate(tags):
        if number not in paired and not _is_remnant(markup, tag):
            continue
        is_block = tag[2].lower() in _BLOCKS
        pieces += [markup[place : tag.start()], " " if is_block else ""]
        place = tag.end()
    return "".join([*pieces, markup[place:]])


def _pairs(tags: list[re.Match[str]]) -> set[int]:
    """Return the numbers of the tags that are opened and closed, in whatever order they nest."""
    opened: dict[str, list[int]] = {}
    paired = set()
    for number, tag in enumerate(tags):
        waiting = opened.setdefault(tag[2].lower(), [])
        if not tag[1]:
            waiting.append(number)
        elif waiting:
            paired |= {waiting.pop(), number}
    return paired


def _is_remnant(markup: str, tag: re.Match[str]) -> bool:
    if "=" in tag[3]:
        return True
    before, after = markup[: tag.start()].strip(), markup[tag.end() :]
    if tag[1]:
        return not after.strip() and not markup[: tag.start()].endswith(" ")
    return not before and not after.startswith(" ")
