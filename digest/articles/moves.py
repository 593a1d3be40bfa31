"""Stories that came back under new guids and new links. Pure: plain values in, decisions out.

A publisher who moves to a new domain or a new system changes every guid and every link at once.
Stories are then recognised by title, text and date. What must stay apart are the daily columns:
"Weather today" is another story every day, under one title and sometimes one text.
"""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.articles.ownership import host_of

SAME_MOMENT = timedelta(minutes=1)
SAME_DATE = timedelta(hours=12)  # a new system may lose the zone; columns are a day apart
# Of the stories in a feed that moved: more than that are recognised as ever only where it did not.
MOST_RECOGNISED = 0.2
DISTINCTIVE_WORDS = 20  # a text so long is not a fixed teaser of a column
DISTINCTIVE_TITLES = 3  # so many titles that come back together are not columns
FEWEST_WORDS = 4  # a shorter text is the same only if it is equal
SIMILAR = 0.7  # share of words that two versions of a text have in common
IMPORT = timedelta(minutes=15)  # how long a new system takes to import old stories
NEAREST = 4  # stories of one title before and after a date that are compared
COMPARED_WORDS = 120  # the beginning of a text; an excerpt ends somewhere


@dataclass(frozen=True, slots=True)
class Features:
    """What tells whether two stories are one, beside guid and link."""

    title: str
    text: tuple[str, ...]  # its first words, in lower case
    published_at: datetime | None
    url: str

    @classmethod
    def of(cls, title: str, text: str, published_at: datetime | None, url: str) -> "Features":
        """Return it from the plain texts."""
        return cls(" ".join(_split(title)), tuple(_split(text)[:COMPARED_WORDS]), published_at, url)


@dataclass(frozen=True, slots=True)
class _Pair:
    """An entry and the earlier story that it may be."""

    entry: int
    article: int
    new: Features
    old: Features
    has_same_text: bool | None  # None: one of them has none
    distance: timedelta | None  # between their dates; None: one of them has none

    @classmethod
    def of(cls, entry: int, article: int, new: Features, old: Features) -> "_Pair":
        """Compare the two."""
        distance = None
        if new.published_at and old.published_at:
            distance = abs(new.published_at - old.published_at)
        return cls(entry, article, new, old, same_text(new.text, old.text), distance)

    @property
    def is_simultaneous(self) -> bool:
        return self.distance is not None and self.distance <= SAME_MOMENT

    @property
    def is_near(self) -> bool:
        return self.distance is not None and self.distance <= SAME_DATE

    @property
    def is_on_another_host(self) -> bool:
        return host_of(self.new.url) != host_of(self.old.url)

    @property
    def has_long_text(self) -> bool:
        return bool(self.has_same_text) and len(self.new.text) >= DISTINCTIVE_WORDS


def recognise(
    entries: dict[int, Features],
    articles: dict[int, Features],
    *,
    recognised: int,
    is_declared: bool = False,
    is_new_source: bool = False,
) -> dict[int, int]:
    """Return which article each entry is that neither guid nor link identified.

    `entries` are those, by their place in the document; `articles` earlier ones, by id, that no
    entry is; `recognised` is how many entries of the document were identified. `is_declared` means
    that the feed itself says that it moved; `is_new_source` that the articles are other sources',
    which may have columns of the same title: only with the same text are they one.
    """
    pairs = _by_title(entries, articles)
    if is_new_source:
        pairs = [pair for pair in pairs if pair.has_same_text]
    certain = [pair for pair in pairs if _is_republished(pair)]
    if is_declared or recognised <= MOST_RECOGNISED * (recognised + len(entries)):
        certain += _moved(pairs, len(entries), is_declared=is_declared)
        certain += _by_text(entries, articles, is_declared=is_declared)
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
    certain = [pair for pair in pairs if pair.is_simultaneous]
    similar = [pair for pair in pairs if pair.has_same_text is not False or pair.is_simultaneous]
    dated = {pair.entry for pair in similar if pair.distance is not None}
    if 2 * len({pair.entry for pair in similar if pair.is_near}) >= len(dated) > 0:
        # The dates were kept: under another date it is another day's column.
        similar = [pair for pair in similar if pair.is_near or pair.distance is None]
    if 2 * len({pair.entry for pair in similar}) < unmatched:
        return certain  # most is new: a feed that was not looked at for a while
    titles, is_import = {pair.new.title for pair in similar}, _is_import(similar)
    return certain + [
        pair
        for pair in similar
        if is_declared
        or pair.is_on_another_host
        # A feed that shows the latest bulletin only is new every hour, under one title.
        or (
            len(titles) >= DISTINCTIVE_TITLES
            and (pair.distance is None or is_import or pair.has_long_text)
        )
    ]


def _is_import(pairs: list[_Pair]) -> bool:
    """Say whether stories of several hours now have one date: the moment of their import."""
    new = [pair.new.published_at for pair in pairs if pair.new.published_at]
    old = [pair.old.published_at for pair in pairs if pair.old.published_at]
    if not new or not old:
        return False
    return max(new) - min(new) <= IMPORT < max(old) - min(old)


def _by_title(entries: dict[int, Features], articles: dict[int, Features]) -> list[_Pair]:
    """Return every entry with the articles of its title.

    Of many it is those nearest in date, and those with the same text.
    """
    same_texts = _texts(articles)
    titled: dict[str, list[int]] = defaultdict(list)
    for article in sorted(articles, key=lambda article: _moment(articles[article])):
        titled[articles[article].title].append(article)
    pairs = []
    for entry, new in entries.items():
        similar = titled.get(new.title, []) if new.title else []
        if len(similar) > 2 * NEAREST:
            middle = bisect(similar, _moment(new), key=lambda article: _moment(articles[article]))
            nearest = similar[max(0, middle - NEAREST) : middle + NEAREST]
            same_text = same_texts.get(new.text, [])[:NEAREST] if new.text else []
            same_text = [article for article in same_text if articles[article].title == new.title]
            similar = list(dict.fromkeys(nearest + same_text))
        pairs += [_Pair.of(entry, article, new, articles[article]) for article in similar]
    return pairs


def _moment(story: Features) -> datetime:
    return story.published_at or datetime.min.replace(tzinfo=UTC)


def _by_text(
    entries: dict[int, Features], articles: dict[int, Features], *, is_declared: bool
) -> list[_Pair]:
    """Return the entries with the whole text of one article, whatever their titles."""
    articles_by_text, entries_by_text = _texts(articles), _texts(entries)
    pairs = [
        _Pair.of(carriers[0], same_text[0], entries[carriers[0]], articles[same_text[0]])
        for text, carriers in entries_by_text.items()
        if text and len(carriers) == 1
        if len(same_text := articles_by_text.get(text, [])) == 1
    ]
    return [
        pair
        for pair in pairs
        if pair.is_simultaneous
        or (pair.has_long_text and (is_declared or (pair.is_near and pair.is_on_another_host)))
    ]


def _texts(stories: dict[int, Features]) -> dict[tuple[str, ...], list[int]]:
    keys_by_text: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for key, story in stories.items():
        keys_by_text[story.text].append(key)
    return keys_by_text


def _one_to_one(pairs: Iterable[_Pair]) -> dict[int, int]:
    """Return the pairs as far as neither side has a nearer one."""
    article_by_entry: dict[int, int] = {}
    articles: set[int] = set()
    for pair in sorted(pairs, key=_distance):
        if pair.entry not in article_by_entry and pair.article not in articles:
            article_by_entry[pair.entry] = pair.article
            articles.add(pair.article)
    return article_by_entry


def _distance(pair: _Pair) -> timedelta:
    return timedelta.max if pair.distance is None else pair.distance


def _split(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text.casefold())
