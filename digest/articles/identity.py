"""Which known article an entry is. Pure: plain values in, decisions out.

Publishers identify articles badly. Guids are missing, new at every poll, or used twice; links carry
counters, change with the headline, or all point at one page. The rules, in this order:

1. The same guid within a source is the same article, unless link, title and date all differ: then
   the guid was used again.
2. The same canonical link is the same article, in whatever source, unless the link is shared: a
   site's front page, or one that several entries with guids and titles of their own point at.
3. Otherwise it is new.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digest.articles.canonical import canonical, is_front_page


class Item(Protocol):
    """What an entry must tell to be identified."""

    @property
    def guid(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def published_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """An article as it is stored; `guids` are those it has in the source at hand."""

    article: int
    canonical: str = ""  # its identity by link; "" if its link is none
    url: str = ""
    title: str = ""
    guids: tuple[str, ...] = ()
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """An entry (its place in the document) and the article it is; None means a new one."""

    entry: int
    article: int | None
    guid: str  # to be remembered for this source
    canonical: str  # to be stored with the article; "" if the link is not an identity


def guids_of(entries: Sequence[Item]) -> frozenset[str]:
    """Return the guids under which entries of a document are told apart; blank ones left out."""
    return frozenset(_guids(entries, _links(entries, []))) - {""}


def match(entries: Sequence[Item], candidates: Iterable[KnownArticle]) -> list[Decision]:
    """Decide for each entry which article it is. Entries that are one article give one decision.

    Of those, the first in the document stands; feeds begin with the newest.
    """
    candidates = list(candidates)
    links = _links(entries, candidates)
    guids = _guids(entries, links)
    recognise = _Recogniser(candidates)
    decided: list[Decision] = []
    used_marks: set[tuple[str, object]] = set()
    for place, entry in enumerate(entries):
        article = recognise(guids[place], links[place], entry)
        marks = _marks(article, guids[place], links[place])
        if used_marks.isdisjoint(marks):
            decided.append(Decision(place, article, guids[place], links[place]))
        used_marks |= marks
    return decided


def same_title(first: str, second: str) -> bool:
    """Say whether two headlines are the same but for case, space and punctuation."""
    return _plain(first) == _plain(second)


class _Recogniser:
    """Finds the known article of one entry after another."""

    def __init__(self, candidates: list[KnownArticle]) -> None:
        self.by_guid: dict[str, list[KnownArticle]] = defaultdict(list)
        self.by_link: dict[str, KnownArticle] = {}
        for article in candidates:
            for guid in article.guids:
                self.by_guid[guid].append(article)
            if article.canonical:
                self.by_link[article.canonical] = article

    def __call__(self, guid: str, link: str, entry: Item) -> int | None:
        """Return the article known under this guid or link."""
        candidates = self.by_guid.get(guid, []) if guid else []
        for article in candidates:
            if link and link == article.canonical:
                return article.article
        if link and (same_link := self.by_link.get(link)):
            return same_link.article
        for article in candidates:
            # Without a link of its own to contradict it, a guid is believed.
            if not link or not _link_of(article) or same_title(entry.title, article.title):
                return article.article
            if link == _link_of(article) or _is_same_date(entry, article):
                return article.article
        return None


def _is_same_date(entry: Item, article: KnownArticle) -> bool:
    return entry.published_at is not None and entry.published_at == article.published_at


def _link_of(article: KnownArticle) -> str:
    return article.canonical or canonical(article.url)


def _links(entries: Sequence[Item], candidates: list[KnownArticle]) -> list[str]:
    """Return each entry's canonical link, or "" where the link is shared by several articles."""
    links = [canonical(entry.url) for entry in entries]
    titles, guids = defaultdict(set), defaultdict(set)
    for entry, link in zip(entries, links, strict=True):
        titles[link].add(_plain(entry.title))
        guids[link].add(entry.guid or _plain(entry.title))
    shared = {link for link in titles if len(titles[link]) > 1 and len(guids[link]) > 1}
    # An article stored without an identity by link had a shared one, and it is shared still.
    shared |= {canonical(article.url) for article in candidates if not article.canonical}
    return ["" if link in shared or is_front_page(link) else link for link in links]


def _guids(entries: Sequence[Item], links: list[str]) -> list[str]:
    """Return the guid to go by for each entry: "" where one guid stands for several articles.

    An entry that has neither guid nor link is known by its title.
    """
    carriers = defaultdict(list)
    for entry, link in zip(entries, links, strict=True):
        carriers[entry.guid].append((link, _plain(entry.title)))
    reused = {guid for guid, pairs in carriers.items() if guid and _differ(pairs)}
    return [
        ("" if entry.guid in reused else entry.guid) or ("" if link else _by_title(entry))
        for entry, link in zip(entries, links, strict=True)
    ]


def _differ(carriers: list[tuple[str, str]]) -> bool:
    """Say whether two entries under one guid differ in both link and title from the first."""
    link, title = carriers[0]
    return any(
        other_title != title and (other_link != link or not link)
        for other_link, other_title in carriers[1:]
    )


def _by_title(entry: Item) -> str:
    seed = f"{_plain(entry.title)}\n{canonical(entry.url)}"
    return f"title:{hashlib.sha256(seed.encode()).hexdigest()}"


def _marks(article: int | None, guid: str, link: str) -> set[tuple[str, object]]:
    """Return everything by which another entry would be the same article as this one."""
    marks: set[tuple[str, object]] = set()
    if article is not None:
        marks.add(("article", article))
    if guid:
        marks.add(("guid", guid))
    if link:
        marks.add(("link", link))
    return marks


def _plain(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold())) or title
