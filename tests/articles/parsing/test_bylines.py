"""Bylines: a name or nothing."""

# ruff: noqa: RUF001  marks that writers use

import pytest

from digest.articles.parsing.bylines import clean_byline, read_byline


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("By: Ann Pell", "Ann Pell"),
        ("BY ANN PELL", "ANN PELL"),
        ("by ann@paper.example", ""),
        ("Ann Pell, ann@paper.example", "Ann Pell"),
        ('"Ann Pell" <ann@paper.example>', "Ann Pell"),
        ("nobody@paper.example (Ann Pell", "Ann Pell"),
        ("pat@paper.museum (Pat (Museum))", "Pat (Museum)"),
        ("ann@paper.example (Pell, Ann)", "Pell, Ann"),
        ("&lt;ann@paper.example&gt; Ann", "Ann"),
        ("Ann Pell (@annpell)", "Ann Pell"),
        ("@annpell", ""),
        ("https://paper.example/ann", ""),
        ("ann [at] paper [dot] example", ""),
        ("[email\xa0protected]", ""),
        ("Ann Pell (", "Ann Pell"),
        ("Ann Pell <", "Ann Pell"),
        ("admin, Ann Pell", "Ann Pell"),
        ("Super User", ""),
        ("No-Reply", ""),
        ("user1", ""),
        ("unbekannt", ""),
        ("1234", ""),
        ("-", ""),
        ("Byron Lee", "Byron Lee"),
        ("Von der Leyen", "Von der Leyen"),
        ("Von Ann Pell", "Ann Pell"),
        ("Written by Ann Pell", "Ann Pell"),
        ("Dr. Ann Pell, Ph.D.", "Dr. Ann Pell, Ph.D."),
        ("Anne-Marie O’Neil", "Anne-Marie O’Neil"),
        ("王小明", "王小明"),
        ("<a href='/ann'>Ann&nbsp;Pell</a>", "Ann Pell"),
        ("x" * 100_000, "x" * 1000),
    ],
)
def test_a_byline_is_a_name_or_nothing(written: str, name: str) -> None:
    """No address, handle, placeholder or cut-off ending."""
    assert clean_byline(written) == name


def test_several_authors_are_named_once_each() -> None:
    """In their order, without those who are not persons."""
    assert read_byline(["admin", "Ann Pell", "By Bea Quill", "Ann Pell"]) == "Ann Pell, Bea Quill"
