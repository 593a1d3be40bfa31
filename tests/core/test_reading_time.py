"""Words of an article, and the minutes that they take."""

import pytest

from digest.core.reading_time import count_words, minutes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>" + "tide " * 460 + "</p>", 460),
        ("<p>one</p><p>two</p>" * 100, 200),
        ("<p>" + "潮" * 1000 + "</p>", 460),
        ("<p>Just the beginning of the article …</p>", 0),
        ("", 0),
    ],
)
def test_words_are_counted_where_the_article_is_whole(body: str, expected: int) -> None:
    """Tags part words; a short excerpt says nothing about the article."""
    assert count_words(body) == expected


@pytest.mark.parametrize(("word_count", "expected"), [(0, 0), (1, 1), (230, 1), (231, 2), (920, 4)])
def test_minutes_are_rounded_up(word_count: int, expected: int) -> None:
    """At 230 words a minute; unknown stays unknown."""
    assert minutes(word_count) == expected
