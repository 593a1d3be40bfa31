"""The documentation leads somewhere: links, anchors, commands; and the calculator counts right."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from digest.cli.main import OVERVIEW
from tests.browser import chromium_page, in_browser

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?P<path>[^)\s#]*)(?:#(?P<anchor>[^)\s]+))?\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?: {4,}|.*?`)digest ([a-z]\S* [^`\n]*|[a-z][a-z-]*)", re.MULTILINE)


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and MkDocs make them."""
    headings = _HEADING.findall(_FENCE.sub("", path.read_text()))
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def wrong_links(path: Path) -> Iterator[str]:
    """Yield the links of a page that lead nowhere within the repository."""
    for link in _LINK.finditer(path.read_text()):
        if "://" in link["path"] or link["path"].startswith(("mailto:", "/")):
            continue
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        has_anchor = not link["anchor"] or link["anchor"] in anchors_of(target)
        if not target.exists() or not has_anchor:
            yield f"{path.relative_to(ROOT)}: {link[0][2:-1]}"


def test_every_link_leads_somewhere() -> None:
    """To a file that there is, and to a heading of it."""
    assert len(PAGES) > 60
    assert [link for path in PAGES for link in wrong_links(path)] == []


def test_links_that_lead_nowhere_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above can fail."""
    monkeypatch.setattr("tests.test_docs.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# The `top`\n[a](#the-top) [b](#bottom) [c](none.md) [d](https://a.example/b)\n"
    )
    assert list(wrong_links(page)) == ["page.md: #bottom", "page.md: none.md"]


def test_every_page_has_its_place_in_the_site() -> None:
    """Or it cannot be found there; decisions are listed by their own page."""
    site = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)
    listed = set(_leaves(site["nav"]))
    generated = {"getting-started.md", "contributing.md", "changelog.md", "security.md"}
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    decisions = {page for page in pages if re.match(r"decisions/\d", page)}
    assert pages - decisions - listed == set(), "add it to nav in mkdocs.yml"
    assert listed - pages - generated == set()


def _leaves(entries: Any) -> Iterator[str]:
    if isinstance(entries, str):
        yield entries
        return
    for entry in entries.values() if isinstance(entries, dict) else entries:
        yield from _leaves(entry)


def test_every_command_in_the_docs_exists() -> None:
    """With its action, wherever one stands in code."""
    names = {name for group in OVERVIEW.values() for name in group}
    actions = {name: actions_of(name) for name in names - {"up", "mcp"}}
    djangos = {"help", "version", "createsuperuser", "shell", "dbshell"}
    wrong = [
        f"{path.relative_to(ROOT)}: digest {name} {action}"
        for path in PAGES
        if path.name != "CHANGELOG.md"  # it names what there was
        for name, action in commands_in(path.read_text())
        if name not in names | djangos or not _is_action(action, actions.get(name, set()))
    ]
    assert wrong == []


def commands_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the first two arguments of each `digest …` that stands in code."""
    for command in _COMMAND.findall(text):
        name, _, rest = command.partition(" ")
        if re.fullmatch(r"[a-z][a-z-]*", name):
            yield name, rest.split()[0] if rest.split() else ""


def actions_of(name: str) -> set[str]:
    """Return the actions of a command, such as `list`; none where it takes other arguments."""
    parser = load_command_class(get_commands()[name], name).create_parser("digest", name)
    choices = [set(action.choices or ()) for action in parser._actions if not action.option_strings]
    return choices[0] if choices else set()


def _is_action(text: str, actions: set[str]) -> bool:
    """Say whether an argument is an action, several (`list|show`), or anything else's place."""
    if not actions or not re.fullmatch(r"[a-z][a-z|…,-]*", text):
        return True
    return set(re.split(r"[|…,]", text)) - {""} <= actions


@in_browser
def test_the_calculator_counts() -> None:
    """A plan whose result is known, in a browser; a field without a number says so."""
    script = (ROOT / "docs" / "site" / "calculator.js").read_text()
    with chromium_page() as page:
        page.set_content("<main><div id=calculator></div></main>")
        page.add_script_tag(content=script)
        need = page.evaluate(
            "calculate({subscribers: 1000000, issues: 1, stories: 7, minutes: 10, rate: 5000,"
            " clicks: 10, signs: 1, cores: 2, machinePrice: 20, mailPrice: 0.1})"
        )
        assert need["minutes"] == pytest.approx(10)
        assert need["machines"] == 1  # 1,667 a second take 1.17 of 1.34 cores
        assert need["mailBytes"] == 30_000
        assert need["mailCost"] == pytest.approx(3040)
        assert 220e9 < need["databaseBytes"] < 240e9
        assert page.get_by_role("row").count() > 8
        page.get_by_label("Mails a second that your mail server takes").fill("10")
        assert "your mail server is the limit" in page.get_by_role("table").inner_text()
        page.get_by_label("Digest signs its mails (DKIM)").check()
        page.get_by_label("Subscribers").fill("")
        assert page.get_by_role("table").inner_text() == "Enter a number into each field."
