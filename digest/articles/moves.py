"""Stories that came back under new guids and new links. Pure: plain values in, decisions out.

A publisher who moves to a new domain or a new system changes every guid and every link at once.
Stories are then recognised by title, text and date. What must stay apart are the daily columns:
"Weather today" is another story every day, under one title and sometimes one text.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.articles.ownership import host_of

SAME_MOMENT = timedelta(minutes=1)
SAME_DATE = timedelta(hours=12)  # a new system may lose the zone; columns are a day apart
# Of the stories in a feed that moved: more than that are recognised as ever only where it did not.
MOST_RECOGNISED = 0.2
TELLING_WORDS = 20  # a text so long is no fixed teaser of a column
TELLING_TITLES = 3  # so many titles that come back together are no columns
FEWEST_WORDS = 4  # a shorter text is the same only if it is equal
SIMILAR = 0.7  # share of words that two versions of a text have in common
IMPORT = timedelta(minutes=15)  # how long a new system takes to import old stories
COMPARED_WORDS = 120  # the beginning of a text; an excerpt ends somewhere


@dataclass(frozen=True, slots=True)
class Telling:
    """What tells whether two stories are one, beside guid and link."""

    title: str
    text: tuple[str, ...]  # its first words, in lower case
    published_at: datetime | None
    url: str

    @classmethod
    def of(cls, title: str, text: str, published_at: datetime | None, url: str) -> "Telling":
        """Return it from the plain texts."""
        return cls(" ".join(_split(title)), tuple(_split(text)[:COMPARED_WORDS]), published_at, url)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An entry and the earlier story that it may be."""

    entry: int
    article: int
    new: Telling
    old: Telling

    @property
    def distance(self) -> timedelta | None:
        """How far apart their dates are; None where one has none."""
        if self.new.published_at is None or self.old.published_at is None:
            return None
        return abs(self.new.published_at - self.old.published_at)

    @property
    def is_simultaneous(self) -> bool:
        return self.distance is not None and self.distance <= SAME_MOMENT

    @property
    def is_near(self) -> bool:
        return self.distance is not None and self.distance <= SAME_DATE

    @property
    def has_same_text(self) -> bool | None:
        return same_text(self.new.text, self.old.text)


def recognise(
    entries: dict[int, Telling],
    articles: dict[int, Telling],
    *,
    recognised: int,
    is_declared: bool = False,
) -> dict[int, int]:
    """Return which article each entry is that neither guid nor link identified.

    `entries` are those, by their place in the document; `articles` earlier ones, by id, that no
    entry is; `recognised` is how many entries of the document were identified. `is_declared` means
    that the feed itself says that it moved.
    """
    pairs = _by_title(entries, articles)
    certain = [pair for pair in pairs if _is_republished(pair)]
    moved = is_declared or recognised <= MOST_RECOGNISED * (recognised + len(entries))
    if moved:
        certain += _moved(pairs, len(entries), is_declared=is_declared)
        certain += [pair for pair in _by_text(entries, articles) if pair.is_near or is_declared]
    return _one_to_one(certain)


def same_text(new: tuple[str, ...], old: tuple[str, ...]) -> bool | None:
    """Say whether two texts are one, a beginning of the other, or nearly; None if one is blank."""
    if not new or not old:
        return None
    length = min(len(new), len(old))
    if length < FEWEST_WORDS:
        return new == old
    if new[: length - 1] == old[: length - 1]:  # an excerpt may end within a word
        return True
    common = len({*new} & {*old})
    return common / len({*new} | {*old}) >= SIMILAR


def _is_republished(pair: _Pair) -> bool:
    """Say whether two are one story even in a feed that did not move."""
    if not pair.is_simultaneous or pair.new.published_at is None:
        return False
    if pair.has_same_text is None:  # only a clock time tells then; a mere date does not
        return pair.new.published_at.strftime("%H%M%S") != "000000"
    return pair.has_same_text


def _moved(pairs: list[_Pair], unmatched: int, *, is_declared: bool) -> list[_Pair]:
    """Return the pairs that are one story, in a feed of which nothing else was recognised."""
    alike = [pair for pair in pairs if pair.has_same_text is not False or pair.is_simultaneous]
    near = [pair for pair in alike if pair.is_near]
    dated = {pair.entry for pair in alike if pair.distance is not None}
    if len({pair.entry for pair in near}) * 2 >= len(dated) > 0:
        # The dates were kept: under another date it is another day's column.
        alike = [pair for pair in alike if pair.is_near or pair.distance is None]
    if len({pair.entry for pair in alike}) * 2 < unmatched:
        return near  # most is new: a feed that was not looked at for a while
    titles, is_import = {pair.new.title for pair in alike}, _is_import(alike)
    return near + [
        pair
        for pair in alike
        if is_declared
        or host_of(pair.new.url) != host_of(pair.old.url)
        or (pair.has_same_text and min(len(pair.new.text), len(pair.old.text)) >= TELLING_WORDS)
        or (len(titles) >= TELLING_TITLES and (pair.distance is None or is_import))
    ]


def _is_import(pairs: list[_Pair]) -> bool:
    """Say whether stories of several hours now have one date: the moment of their import."""
    new = [pair.new.published_at for pair in pairs if pair.new.published_at]
    old = [pair.old.published_at for pair in pairs if pair.old.published_at]
    if not new or not old:
        return False
    return max(new) - min(new) <= IMPORT < max(old) - min(old)


def _by_title(entries: dict[int, Telling], articles: dict[int, Telling]) -> list[_Pair]:
    """Return every entry with every article of its title; the nearest in date first."""
    titled: dict[str, list[int]] = defaultdict(list)
    for article, old in articles.items():
        titled[old.title].append(article)
    pairs = [
        _Pair(entry, article, new, articles[article])
        for entry, new in entries.items()
        if new.title
        for article in titled.get(new.title, ())
    ]
    return sorted(pairs, key=lambda pair: pair.distance or timedelta.max)


def _by_text(entries: dict[int, Telling], articles: dict[int, Telling]) -> list[_Pair]:
    """Return the entries with the whole text of one article, whatever their titles."""
    texts: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for article, old in articles.items():
        texts[old.text].append(article)
    carriers: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for entry, new in entries.items():
        carriers[new.text].append(entry)
    return [
        _Pair(entry, article, entries[entry], articles[article])
        for text, (entry, *more) in carriers.items()
        if len(text) >= TELLING_WORDS and not more
        for article in texts.get(text, ())
        if len(texts[text]) == 1
    ]


def _one_to_one(pairs: Iterable[_Pair]) -> dict[int, int]:
    """Return the pairs as far as neither side has a nearer one."""
    article_by_entry: dict[int, int] = {}
    articles: set[int] = set()
    for pair in sorted(pairs, key=lambda pair: pair.distance or timedelta.max):
        if pair.entry not in article_by_entry and pair.article not in articles:
            article_by_entry[pair.entry] = pair.article
            articles.add(pair.article)
    return article_by_entry


def _split(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text.casefold())
