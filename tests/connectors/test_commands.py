"""`digest connector …`, and the files that it writes."""

import ast
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from digest import __version__
from digest.accounts.models import User
from digest.connectors import bundles
from digest.connectors.models import Connection
from tests.cast import make_newsletter

PLUGIN = Path(bundles.__file__).parent / "data" / "wordpress" / bundles.PLUGIN
_TEXTS = re.compile(r"""(?:esc_html|esc_attr)?_?_(?:_|e)?\(\s*'((?:[^'\\]|\\.)*)',\s*'digest-""")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run the command; return what it answers."""
    call_command("connector", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


@pytest.mark.django_db
def test_a_connection_is_added_listed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    """All newsletters of the publication use it, unless some are named."""
    User.objects.create(email="ada@courier.example")
    first = make_newsletter(slug="tide")
    second = make_newsletter(slug="flood", publication=first.publication)
    options = ("--publication", first.publication.slug, "--as", "ada@courier.example")
    added = run(capsys, "add", "blog", "ghost", *options)
    assert added["secret"].startswith("whsec_")
    assert "/connections/" in added["address"]
    assert (first.sources.count(), second.sources.count()) == (1, 1)
    assert [row["name"] for row in run(capsys, "list")] == ["blog"]
    details = run(capsys, "show", "blog")
    assert (details["address"], details["events"]) == (added["address"], [])
    assert "secret" not in details
    with pytest.raises(CommandError, match="exists already"):
        run(capsys, "add", "blog", "webhook", *options)
    with pytest.raises(CommandError, match="no newsletter"):
        run(capsys, "add", "cms", "webhook", *options, "--newsletter", "ebb")
    assert run(capsys, "remove", "blog") == {"removed": "blog"}
    assert not Connection.objects.exists()


def test_files_are_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The plugin as WordPress takes it, the module as Python."""
    plugin, module = tmp_path / "plugin.zip", tmp_path / "digest_wagtail.py"
    assert run(capsys, "wordpress", str(plugin))["bytes"] == plugin.stat().st_size
    with zipfile.ZipFile(plugin) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {name.split("/")[0] for name in names} == {bundles.PLUGIN}
    assert f"{bundles.PLUGIN}/{bundles.PLUGIN}.php" in names
    run(capsys, "wagtail", str(module))
    assert ast.get_docstring(ast.parse(module.read_text()))
    with pytest.raises(CommandError, match="cannot be written"):
        run(capsys, "wordpress", str(tmp_path / "missing" / "plugin.zip"))


def test_the_same_code_makes_the_same_zip() -> None:
    """So that its hash says which version it is."""
    with zipfile.ZipFile(io.BytesIO(bundles.wordpress_plugin())) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_the_plugin_has_this_version() -> None:
    """In its header, its constant and its readme."""
    text = "".join(path.read_text() for path in PLUGIN.rglob("*") if path.is_file())
    versions = re.findall(
        r"(?:\* Version: +|Stable tag: |DIGEST_NEWSLETTER_VERSION', ')([\d.]+)", text
    )
    assert versions == [__version__] * 3


def test_the_plugins_texts_can_be_translated() -> None:
    """Each stands in the template for translators, and nothing else does."""
    code = "".join(path.read_text() for path in PLUGIN.rglob("*") if path.suffix in {".php", ".js"})
    texts = {text.replace("\\'", "'") for text in _TEXTS.findall(code)}
    template = (PLUGIN / "languages" / f"{bundles.PLUGIN}.pot").read_text()
    listed = set(re.findall(r'^msgid "(.+)"$', template, re.MULTILINE))
    assert len(texts) > 40
    assert texts == listed


@pytest.mark.skipif(not shutil.which("php"), reason="no php")
@pytest.mark.parametrize("path", sorted(PLUGIN.rglob("*.php")), ids=lambda path: path.name)
def test_the_plugin_is_php(path: Path) -> None:
    """As `php -l` reads it."""
    result = subprocess.run(
        ["php", "-l", path], capture_output=True, text=True, check=False, timeout=30
    )
    assert result.returncode == 0, result.stdout
