"""Texts and links from outside, fit for a mail: one line, shortened, without control characters."""

import re
from urllib.parse import urlsplit

from digest.core import text
from digest.core.text import printable

LONGEST_TITLE = 300  # characters, like all of these
LONGEST_SUBJECT = 250
LONGEST_SUMMARY = 600
LONGEST_LINE = 300
LONGEST_TEXT = 4000
_UNFIT = re.compile('[\x00-\x20\x7f-\x9f"<>\\\\^`{|}\u2028\u2029]')


def shortened(text: str, longest: int) -> str:
    """Return text on one line, cut at a word with an ellipsis where it is too long."""
    flat = " ".join(printable(text).split())
    if len(flat) <= longest:
        return flat
    head = flat[: longest - 1]
    whole = head.rpartition(" ")[0]
    return (whole if len(whole) > longest // 2 else head).rstrip(" ,;:.") + "…"


def line(text: str) -> str:
    """Return a short text on one line."""
    return shortened(text, LONGEST_LINE)


def lines(text: str) -> list[str]:
    """Return the lines of a short text that are not blank."""
    rows = printable(text)[:LONGEST_TEXT].splitlines()
    return [line(row) for row in rows if row.strip()][:12]


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, which blank lines separate."""
    parts = re.split(r"\n[ \t]*\n", printable(text)[:LONGEST_TEXT])
    return [" ".join(part.split()) for part in parts if part.strip()]


def mail_url(url: str) -> str:
    """Return a web address that is safe in a mail; blank for one that HTML would break."""
    address = text.web_url(url.strip().replace(" ", "%20"))
    is_fit = not _UNFIT.search(address) and "%" not in urlsplit(address).netloc
    return address if is_fit else ""
