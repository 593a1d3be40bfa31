"""Reads who wrote an article from the byline that a page shows, among dates, labels and links.

"Ada Marsh | November 18, 2019 12:01 PM Print this article" and "View all posts by Ada Marsh" name
Ada Marsh; "5 min read" names nobody.
"""

# ruff: noqa: E501, RUF001  alternatives read best in a line; dashes and arrows that sites use

import re
from collections.abc import Iterator, Sequence

from lxml.html import HtmlElement

from digest.articles.parsing.bylines import clean_byline
from digest.core.text import one_line

LONGEST = 300  # characters of a byline
LONGEST_NAME = 100
LONGEST_DATELINE = 80
MOST = 20  # elements of each kind

_PLACES = (
    "//*[contains(concat(' ', @rel, ' '), ' author ')]",
    "//*[contains(concat(' ', @itemprop, ' '), ' author ')]",
    "//*[contains(concat(' ', @class, ' '), ' byline ')]",
    "//*[contains(@class, 'byline__name') or contains(@class, 'author-name')]",
    "//*[contains(@class, 'author-link') or contains(@class, 'post-author')]//a",
)
_MONTHS = (
    r"(?:jan(?:uary|uar|vier)?|janv|feb(?:ruary|ruar)?|févr?(?:ier)?|mar(?:ch|s|zo)?|märz?|mrt|maart|apr(?:il|ile)?|avr(?:il)?"
    r"|may|mai|mei|maggio|mayo|maio|june?|juin|juni|junio|juil(?:let)?|jul[iy]?|julio|aug(?:ust|ustus)?|août|ago(?:sto)?"
    r"|sept?(?:ember|embre|iembre)?|settembre|setembro|o[ck]t(?:ober|obre|ubre)?|outubro|ottobre|nov(?:ember|embre|iembre|embro)?"
    r"|de[cz](?:ember|embre|embro)?|déc(?:embre)?|dic(?:iembre|embre)?|enero|janeiro|gennaio|gen|fevereiro|febrero|febbraio"
    r"|abril|aprile|giugno|luglio|jän(?:ner)?)(?![^\W\d_])\.?"
)
# Where a name ends: at a date or a time, at a separator, at what pages add.
_END = re.compile(
    rf"""\s*(?:
    [|•·~→»›←\n\t]+ | \s[–—/-]+\s | [:;](?=\s|\Z)
    | ,?\s*\(?(?:\b(?:on|at|am|le|el|il|op|vom|em|den|um|à|às)\s+)?\b(?:
        (?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+(?={_MONTHS}|\d)
        | {_MONTHS}\s+\d{{1,4}}\b | \d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:de\s+)?{_MONTHS}(?=\s|,|\Z)
        | \d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}} | \d{{1,2}}[:.h]\d\d\b
        | \d+\s+(?:min|minutes?|hours?|days?|weeks?|months?|years?|comments?|views?|shares?)\b
        | (?:yesterday|today|gestern|heute|hier|ayer)\b | (?:19|20)\d\d\b)
    | \s(?:at|um|à)\s*\Z | \s(?:anzeigen|lesen|ansehen)\b
    | \s(?:print|share|e-?mail|tweet|save|follow|updated|published|posted|last\s+(?:updated|modified)|modified|comments?
        |leave\s+a\s+comment|read\s+time|reading\s+time)\b(?:\s+(?:this|on|at|the|:)\b|\s*[:|]|\s*\Z)
    )""",
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip
_INTRODUCTION = re.compile(
    r"""\A\W*(?:
    (?:(?:view|see|show|read|browse|find|get|click\s+here\s+for)\s+)?(?:(?:all|more|other|latest|recent)\s+)*
        (?:of\s+)?(?:posts?|articles?|stories|entries|items|content|news|columns?|work|archives?|bio(?:graphy)?|profile)
        \s+(?:by|from|of|for|written\s+by)\s*:?
    | (?:view|see|visit)\s+(?:the\s+)?(?:author(?:'s|s)?\s+)?(?:page|profile|bio)\s+(?:of|for)
    | more\s+(?:by|from|about) | (?:about|contact|follow)(?:\s+the\s+author)?\s*:?(?=\s)
    | (?:alle|weitere|mehr)\s+(?:beiträge|artikel|texte)?\s*(?:von|anzeigen\s+von)
    | (?:voir\s+)?(?:tous\s+)?(?:les\s+)?(?:articles|billets|publications)\s+(?:de|par)
    | ver\s+todas?\s+(?:os\s+|los\s+|las\s+)?(?:entradas|artículos|posts?|artigos|publicaciones)\s+(?:de|por)
    | ver\s+todos\s+(?:os\s+|los\s+)?(?:posts?|artículos|artigos)\s+(?:de|por)
    | (?:vedi|mostra|leggi)\s+tutti\s+gli\s+articoli\s+di
    | (?:bekijk\s+)?alle\s+(?:berichten|artikelen)\s+(?:van|door)
    | (?:posted|published|written|reported|reviewed|words|story|text|article|column|opinion)?\s*(?:by|von|par|por)\s*:?
    | (?:(?:first|last)\s+)?(?:written|posted|published|updated|modified|veröffentlicht|publié|publicado)(?:\s+(?:on|at|am|le|el))?\s*:?(?=\s) | (?:author|autor(?:in|a)?|auteure?|autore|reporter|journalist)s?\s*:
    )\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_BESIDE_DATE = re.compile(
    r"[ap]|[ap]?m|uhr|gmt|utc|[cewmpb]e?s?t|ist|jst|at|on|um|à|am|le|ago|read|min|of|st|nd|rd|th|de|del|updated"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
    r"|(?:maan|dins|woens|donder|vrij|zater|zon)dag|(?:lune|marte|mercole|giove|vener)dì|sabato|domenica"
    r"|published|posted|today|yesterday|heute|gestern|last",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\W*(?:(?:view|see|read|show)\s+(?:all|more|profile|bio|posts?).*|more|all\s+posts|posts?|articles?|author"
    r"|profile|read|min|ago|updated|published|posted|today|yesterday|share|print|website|e-?mail|twitter|facebook|contact|bio|archives?|follow|by|admin)\W*",
    re.IGNORECASE,
)


def read_names(page: HtmlElement) -> str:
    """Return the name or names in the first byline that a page shows, or ""."""
    return next(_names(page), "")


def read_name(text: str) -> str:
    """Return the name in the text of a byline, or "" if it holds none."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return ""
    previous = ""
    while previous != text:
        previous, text = text, _INTRODUCTION.sub("", text, count=1)
    parts = (part.strip(" ,;·|") for part in _split(text))
    names = (clean_byline(part) for part in parts if part)
    return next((name for name in names if _is_name(name)), "")


def is_dateline(text: str) -> bool:
    """Return whether a text is a date, a time or "5 min read", and nothing else."""
    text = text.strip()
    if not text or len(text) > LONGEST_DATELINE or not _END.search(text):
        return False
    rest = _END.sub(" ", _INTRODUCTION.sub("", f"{text} ", count=1))
    return all(_BESIDE_DATE.fullmatch(token) for token in re.findall(r"[^\W\d_]+", rest))


def first_name(texts: Sequence[str]) -> str:
    """Return the first name among the texts of several bylines, or ""."""
    return next((name for name in map(read_name, texts) if name), "")


def _names(page: HtmlElement) -> Iterator[str]:
    for place in _PLACES:
        for element in page.xpath(place)[:MOST]:
            own = element.xpath(".//*[contains(concat(' ', @itemprop, ' '), ' name ')]")[:1]
            for source in (*own, element):
                text = " ".join(source.itertext()) or source.get("content", "")
                if name := read_name(one_line(text)):
                    yield name


def _split(text: str) -> list[str]:
    """Return what stands before the first date, label or separator, and what after it."""
    end = _END.search(text)
    if not end:
        return [text]
    rest = text[end.end() :]
    return [text[: end.start()], *_split(rest)] if end.start() == 0 else [text[: end.start()]]


def _is_name(name: str) -> bool:
    return 2 < len(name) <= LONGEST_NAME and not _NO_NAME.fullmatch(name)
