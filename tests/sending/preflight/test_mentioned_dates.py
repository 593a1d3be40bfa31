"""Dates in texts: those that are meant are read, and nothing else is taken for one."""

from datetime import date

import pytest

from digest.sending.preflight.mentioned_dates import dates_in, relative_words

NEAR = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "The concert is on 25 November 2026.", date(2026, 11, 25)),
        ("en-US", "Sign up until Nov. 26th", date(2026, 11, 26)),
        ("en", "The bridge is closed on November 27-29", date(2026, 11, 29)),
        ("en", "The fair (27\u201329 November)", date(2026, 11, 29)),
        ("en", "On 2 January we open again", date(2027, 1, 2)),
        ("en", "Deadline: 2026-11-30", date(2026, 11, 30)),
        ("de", "Am 25. November tagt der Rat", date(2026, 11, 25)),
        ("de", "Anmeldung bis 3.12.2026 möglich", date(2026, 12, 3)),
        ("es", "El 25 de noviembre de 2026 se abre", date(2026, 11, 25)),
        ("fr", "La fête du 1er décembre", date(2026, 12, 1)),
        ("it", "Il 5 dicembre apre il museo", date(2026, 12, 5)),
        ("nl", "Op 5 december is de intocht", date(2026, 12, 5)),
        ("pt", "Em 5 de dezembro de 2026", date(2026, 12, 5)),
        ("he", "ההופעה ב-25 בנובמבר", date(2026, 11, 25)),
        ("ar", "يوم ٢٥ نوفمبر ٢٠٢٦", date(2026, 11, 25)),
        ("xx", "on 25 November", date(2026, 11, 25)),
    ],
)
def test_a_date_is_read_in_the_language_of_the_newsletter(
    language: str, text: str, day: date
) -> None:
    """With or without a year; of a span, the last day."""
    assert [value for _, value in dates_in(text, language, NEAR)] == [day]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "In March 2026 the harbour froze"),
        ("en", "Number 1 may win"),
        ("en", "The vote of 4/5/2026"),  # April or May
        ("en", "Open since 25 November"),
        ("en", "Version 1.25 November"),
        ("en", "May 12% of all boats return"),
        ("en", "On 31 February, never"),
        ("de", "seit dem 25. November"),
        ("de", "Nummer 10.11.12.2026"),
        ("es", "Desde el 25 de noviembre"),
        ("fr", "depuis le 25 novembre"),
        ("en", ""),
    ],
)
def test_what_only_looks_like_a_date_is_none(language: str, text: str) -> None:
    """Nobody learns to look past false alarms."""
    assert list(dates_in(text, language, NEAR)) == []


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Today: the council votes. It meets tomorrow, and tonight.", 3),
        ("en", "USA Today on the ebb", 0),
        ("de", "Heute tagt der Rat, morgen der Kreis", 2),
        ("de", "Guten Morgen, heute morgen", 1),
        ("es", "Hoy vota el consejo; mañana, la junta", 2),
        ("es", "Esta mañana, por la mañana", 0),
        ("fr", "Demain, et aujourd\u2019hui", 2),
        ("it", "Oggi e domani", 2),
        ("nl", "Vandaag en vanmorgen", 1),
        ("pt", "Hoje de manhã", 1),
        ("he", "הישיבה מחר", 1),
        ("ar", "يصل غدًا", 1),
    ],
)
def test_words_for_a_day_are_recognised(language: str, text: str, expected: int) -> None:
    """In lower case or at the beginning of a sentence, and not as part of a name."""
    assert len(relative_words(text, language)) == expected
