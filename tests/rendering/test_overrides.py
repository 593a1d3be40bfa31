"""A publication's own templates: they replace ours, in a sandbox, and errors name file and line."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from digest.rendering.errors import RenderingError, TemplateOverrideError
from tests.rendering.mails import compiled

LEAD = "{% for card in block.cards %}\n<tr><td>{{ card.title | upper }}</td></tr>\n{% endfor %}\n"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The folder of the blocks of the Saltmarsh Courier."""
    settings.DIGEST_TEMPLATES_DIR = str(tmp_path)
    folder = tmp_path / "courier" / "blocks"
    folder.mkdir(parents=True)
    return folder


def test_own_template_replaces_ours(folder: Path) -> None:
    """In that publication's issues only, and the rest of the mail stays as it is."""
    (folder / "lead.html.j2").write_text(LEAD)
    assert "STORY NUMBER 0." in compiled().html()
    assert "Story number 1." in compiled().html()
    assert "STORY NUMBER 0." not in compiled(publication={"slug": "other"}).html()


def test_a_change_is_seen_at_once(folder: Path) -> None:
    """A file may be added, changed and removed while Digest runs."""
    assert "STORY" not in compiled().html()
    (folder / "lead.html.j2").write_text(LEAD)
    assert "STORY" in compiled().html()
    (folder / "lead.html.j2").unlink()
    assert "STORY" not in compiled().html()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("one\n{% if %}", r"blocks/lead.html.j2 cannot be rendered \(line 2\)"),
        ("one\ntwo\n{{ content.nothing }}", r"lead.html.j2 cannot .* \(line 3\): .*nothing"),
        ("{{ 1 / 0 }}", r"lead.html.j2 cannot be rendered \(line 1\)"),
        ("{{ content.__class__.__mro__ }}", r"lead.html.j2 cannot be rendered \(line 1\)"),
        ("{{ marks.parts.append(1) }}", r"lead.html.j2 cannot be rendered \(line 1\)"),
        ("\n{{ none | wrap }}", r"lead.html.j2 cannot be rendered \(line 2\)"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", r"lead.html.j2 .* recursion"),
        ("{% include 'blocks/lead.html.j2' %}", r"lead.html.j2 cannot .* recursion"),
        ("{% extends 'nothing' %}", r"lead.html.j2 cannot be rendered \(line 1\): nothing"),
        ("{{ marks.slot('name') }}", r"lead.html.j2 cannot .*: there is no slot 'name'"),
        ("{{ marks.part(['a']) }}", r"lead.html.j2 cannot .*: a key of a part is a number"),
        ("{{ marks.part(shown_in='all') }}", r"lead.html.j2 cannot .* use both, mail or web"),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(folder: Path, source: str, message: str) -> None:
    """What the sandbox refuses is such an error, too."""
    (folder / "lead.html.j2").write_text(source)
    with pytest.raises(TemplateOverrideError, match=message):
        compiled()


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    """One in another encoding, and a mail without any HTML."""
    (folder / "lead.html.j2").write_bytes(b"caf\xe9")
    with pytest.raises(TemplateOverrideError, match=r"blocks/lead.html.j2 .* not a text in UTF-8"):
        compiled()
    (folder / "lead.html.j2").unlink()
    for source in ("", "Good morning", "<!-- nothing -->"):
        (folder.parent / "issue.html.j2").write_text(source)
        with pytest.raises(RenderingError, match=r"HTML of the mail is empty"):
            compiled()


@pytest.mark.parametrize("slug", ["", "..", "../courier"])
def test_no_other_folder_is_read(folder: Path, slug: str, settings: Settings) -> None:
    """A slug is a name of a folder, and nothing else."""
    (folder / "lead.html.j2").write_text(LEAD)
    settings.DIGEST_TEMPLATES_DIR = str(folder)
    assert "STORY" not in compiled(publication={"slug": slug}).html()
