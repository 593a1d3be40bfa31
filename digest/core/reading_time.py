"""How many words an article has, and how many minutes reading it takes. Pure."""

import re

WORDS_A_MINUTE = 230  # of an adult who reads for themselves (Brysbaert 2019: 238 for non-fiction)
_LETTERS_A_WORD = 500 / WORDS_A_MINUTE  # where no spaces part the words: 500 letters a minute
_FEWEST = 150  # words; a feed that has fewer carries the beginning of an article
_TAG = re.compile(r"<[^>]*>")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f]")


def count_words(body_html: str) -> int:
    """Return the words of an article's cleaned HTML; 0 where it is not the whole article.

    Chinese, Japanese and Thai are counted by their letters.
    """
    text = _TAG.sub(" ", body_html)
    spaced, letters = _UNSPACED.subn(" ", text)
    count = len(spaced.split()) + round(letters / _LETTERS_A_WORD)
    return count if count >= _FEWEST else 0


def minutes(word_count: int) -> int:
    """Return the minutes that so many words take, rounded up; 0 where the number is not known."""
    return -(-word_count // WORDS_A_MINUTE)
