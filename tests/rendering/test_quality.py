"""Thirty varied issues against the checks of the Email Markup Consortium and Can I email."""

import pytest

from tests.rendering.mails import INES, part
from tests.rendering.quality import consortium, support
from tests.rendering.quality.issues import Sample, samples

SAMPLES = [pytest.param(sample, id=sample.name) for sample in samples()]


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_check_of_the_consortium_passes(sample: Sample) -> None:
    """In the mail and in the web version."""
    compiled = sample.compile()
    for document in (part(compiled.message(INES), "html"), compiled.html()):
        assert consortium.problems(document) == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_a_client_lacks_does_no_harm(sample: Sample) -> None:
    """Each feature that a client of Can I email's table lacks has a reason why it may be used."""
    gaps = support.gaps(part(sample.compile().message(INES), "html"))
    assert [gap for gap in gaps if gap.feature not in support.HARMLESS] == []


def test_there_are_thirty() -> None:
    """The table in docs/mail-quality.md counts them."""
    assert len(SAMPLES) == len({sample.name for sample in samples()}) == 30
