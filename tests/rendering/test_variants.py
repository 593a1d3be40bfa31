"""Lead stories that change places by variant, in one compiled mail."""

import pytest

from digest.issues.experiments.variants import Leads
from digest.rendering import issue as compiling
from digest.rendering.blocks import variants
from digest.rendering.compiled import Compiled
from digest.rendering.issue import compile_issue
from tests.rendering import mails

LEADS = Leads(0, (2, 4))
STORIES = range(5)


def compiled(order: list[int], leads: Leads | None = None, design: str = "picture") -> Compiled:
    """An issue of five stories in this order, in a lead and two blocks."""
    titles = ["Top", "Harbour", "Harbour", "Sport", "Sport"]
    rows = [
        mails.story(
            place,
            titles[place],
            title=f"Story {number}",
            summary=f"Summary {number}.",
            url=f"https://courier.example/{number}",
            kicker=f"Kicker {number}",
            byline=f"Writer {number}",
        )
        for place, number in enumerate(order)
    ]
    newsletter = {"design": design, "contents_from": 4}
    issue = mails.issue(newsletter=newsletter)
    return compile_issue(issue, mails.blocks_of(rows), rows, leads=leads)


def keys(compiled: Compiled, variant: int, positions: range = STORIES) -> set[int]:
    """Return what a subscriber of these stories gets of a variant."""
    blocks = {key for cut in compiled.html_cuts for key in cut.keys or () if key < 0}
    return {*positions, *blocks, *variants.keys_of(LEADS, variant, positions)}


def below_contents(text: str) -> str:
    """Return a mail without its list of headlines, which is the same in all variants."""
    return text.split("Kicker", 1)[1] if "Kicker" in text else text.split("\n\n\n", 2)[2]


@pytest.mark.parametrize("design", ["picture", "briefing", "compact"])
@pytest.mark.parametrize(
    ("variant", "order"), [(0, [0, 1, 2, 3, 4]), (1, [2, 1, 0, 3, 4]), (2, [4, 1, 2, 3, 0])]
)
def test_a_variant_is_what_that_order_would_be(variant: int, order: list[int], design: str) -> None:
    """To the letter, in HTML and in text: the two stories have changed places, nothing else."""
    tested, plain = compiled([*STORIES], LEADS, design), compiled(order, None, design)
    chosen = keys(tested, variant)
    assert below_contents(tested.html(chosen)) == below_contents(plain.html())
    assert tested.text(chosen).count("Story") == plain.text().count("Story")
    mail = mails.part(tested.message(mails.INES, keys=chosen), "plain")
    first, last = mail.index(f"Summary {order[0]}."), mail.index(f"Summary {order[4]}.")
    assert first < mail.index("Summary 1.") < last
    assert mails.wire_faults(tested.message(mails.INES, keys=chosen)) == []


def test_the_web_page_is_the_issue_as_it_is() -> None:
    """And so is every mail for which no variant is chosen."""
    tested, plain = compiled([*STORIES], LEADS), compiled([*STORIES])
    assert tested.html() == plain.html()
    assert tested.text() == plain.text()
    assert tested.html(keys(tested, 0)) == plain.html()


@pytest.mark.parametrize("positions", [range(2), range(1, 5), range(1, 2)])
def test_who_does_not_get_both_stories_gets_the_issue_as_it_is(positions: range) -> None:
    """A subscriber of other topics has the same stories in the same places."""
    tested, plain = compiled([*STORIES], LEADS), compiled([*STORIES])
    blocks = {key for cut in plain.html_cuts for key in cut.keys or () if key < 0}
    expected = plain.html({*positions, *blocks})
    assert tested.html(keys(tested, 1, positions)) == expected


def test_tested_stories_are_never_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the mail is, the last of the other stories goes; and one variant counts."""
    plain = compiled([*STORIES])
    monkeypatch.setattr(compiling, "LARGEST_HTML", len(plain.html().encode()) + 4_000)
    assert compiled([*STORIES], LEADS).dropped == ()
    monkeypatch.setattr(compiling, "LARGEST_HTML", len(plain.html().encode()) - 400)
    assert 3 in compiled([*STORIES], LEADS).dropped
    assert compiled([*STORIES]).dropped[0] == 4
