"""The structure of a mail, as a screen reader goes by it."""

import pytest

from digest.sending.preflight.accessibility import problems_of

GOOD = (
    '<html lang="en"><body><table role="presentation"><tr><td><h1>Tide</h1><h2>Coast</h2>'
    '<h3>Seals</h3><h2>Harbour</h2><a href="/x"><img src="a" alt="A seal"></a>'
    '<a href="/x" aria-hidden="true"><img src="a" alt=""></a></td></tr></table></body></html>'
)


def problems(html: str) -> list[str]:
    """What is wrong with it."""
    return [problem for problem, _ in problems_of(html)]


def test_a_sound_mail_has_no_problem() -> None:
    """Headings may go back by any number of levels; decoration may be hidden."""
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("part", "instead", "problem"),
    [
        (' lang="en"', "", "does not say its language"),
        (' role="presentation"', "", "1 table for layout"),
        ("<h1>Tide</h1>", "", "0 main headings (h1) instead of one"),
        ("<h2>Coast</h2>", "<h1>Coast</h1>", "2 main headings"),
        ("<h3>Seals</h3>", "<h4>Seals</h4>", "level 4 follows one of level 2"),
        ('alt="A seal"', "", "1 picture in the template without"),
        ('alt="A seal"', 'alt=""', "1 link without any text"),
        ('<a href="/x" aria-hidden="true">', '<a href="/x">', "1 link without any text"),
    ],
)
def test_each_fault_is_named(part: str, instead: str, problem: str) -> None:
    """Each for itself."""
    texts = problems(GOOD.replace(part, instead, 1))
    assert any(problem in text for text in texts), texts
