"""Checks of the mail's structure as a screen reader uses it: headings, language, pictures, links.

After the Email Markup Consortium's accessibility report and WCAG 2.2 (1.1.1, 1.3.1, 2.4.4, 3.1.1).
"""

from collections.abc import Iterator
from typing import Any

from lxml import html as lxml_html

from digest.core.text import counted
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "accessibility"
_LAYOUT_TABLES = "//table[not(@role='presentation' or @role='none' or .//th)]"
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what is wrong with the structure of the mail."""
    if not material.html:
        return
    problems = list(problems_of(material.html))
    for problem, advice in problems:
        yield Finding(CHECK, Level.WARN, problem, advice)
    if not problems:
        yield PassedCheck(CHECK, "headings in order, language, links and pictures are named")


def problems_of(html: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the structure of a mail, and what to do about it."""
    tree = lxml_html.document_fromstring(html)
    yield from _headings(tree)
    if not tree.get("lang"):
        yield "The mail does not say its language.", "Set `lang` on <html> in the template."
    if pictures := _nodes(tree, "//img[not(@alt)]"):
        text = f"{counted(len(pictures), 'picture')} in the template without `alt`."
        yield text, "Add alt=“” for decoration, else a description."
    if links := [link for link in _nodes(tree, "//a[@href]") if not _is_named(link)]:
        text = f"{counted(len(links), 'link')} without any text."
        yield text, "Add text, or a description of the picture that is linked."
    if tables := _nodes(tree, _LAYOUT_TABLES):
        text = f"{counted(len(tables), 'table')} for layout would be read aloud as data."
        yield text, "Add role=“presentation” in the template."


def _nodes(tree: lxml_html.HtmlElement, path: str) -> list[Any]:
    nodes: Any = tree.xpath(path)
    return list(nodes)


def _headings(tree: lxml_html.HtmlElement) -> Iterator[tuple[str, str]]:
    levels = [_HEADINGS.index(node.tag) + 1 for node in tree.iter(*_HEADINGS)]
    if levels.count(1) != 1:
        number = counted(levels.count(1), "main heading")
        yield f"The mail has {number} (h1) instead of one.", "Check the template and the texts."
    for before, level in zip([0, *levels], levels, strict=False):
        if level > before + 1 and before:
            text = f"A heading of level {level} follows one of level {before}."
            yield text, f"Use level {before + 1} there: screen readers move by headings."
            return


def _is_named(link: lxml_html.HtmlElement) -> bool:
    """Say whether a link has a text, a label or a described picture, or is hidden from readers."""
    if link.get("aria-hidden") == "true" or (link.get("aria-label") or "").strip():
        return True
    return bool(link.text_content().strip() or any(link.xpath(".//img/@alt")))
