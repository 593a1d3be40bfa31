"""Wrapping for windows of fixed width."""

from hypothesis import given
from hypothesis import strategies as st

from digest.rendering.wrapping import columns, underline, wrap


@given(st.text(max_size=300), st.integers(10, 80))
def test_nothing_is_lost(text: str, width: int) -> None:
    """Wrapping only moves white space."""
    assert "".join(wrap(text, width).split()) == "".join(text.split())


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=10), max_size=60))
def test_lines_fit(tokens: list[str]) -> None:
    """Where every word fits, so does every line."""
    assert all(len(line) <= 20 for line in wrap(" ".join(tokens), 20).splitlines())


def test_chinese_and_japanese_break_without_spaces() -> None:
    """Wide characters count double, and a full stop never starts a line."""
    lines = wrap("潮が引いて、港に朝が来た。" * 6, 20).splitlines()
    assert all(columns(line) <= 22 for line in lines)
    assert len(lines) > 3
    assert not any(line.startswith(("。", "、")) for line in lines)


def test_long_words_stay_whole() -> None:
    """An address is never broken."""
    address = "https://courier.example/" + "x" * 100
    assert wrap(f"See {address} now", 40).splitlines() == ["See", address, "now"]


def test_underline_is_as_long_as_the_heading() -> None:
    """Two columns for each wide character."""
    assert underline("Culture") == "Culture\n======="
    assert underline("文化", "-") == "文化\n----"
