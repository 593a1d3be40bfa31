"""The documentation's site: README and its neighbours become pages, links to code lead nowhere.

MkDocs calls these functions (mkdocs.yml). On a code host every link of the docs works as it is, so
the files stay where readers of the repository expect them.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "getting-started.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
_LINK = re.compile(r"(?P<words>\[[^\]\[]*\])\((?P<target>[^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the repository's top level as pages."""
    for source, target in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, target, content=_LINK.sub(_from_the_top, text)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links to the top level's files lead to their pages; keep the words of others."""
    depth = page.file.src_uri.count("/")
    return _LINK.sub(lambda link: _to_the_top(link, depth), markdown)


def _from_the_top(link: re.Match[str]) -> str:
    """Rewrite a link of a file at the top level, for a page beside those of docs/."""
    path, mark, anchor = link["target"].partition("#")
    if "://" in path or not path:
        return link[0]
    if path in PAGES:
        return f"{link['words']}({PAGES[path]}{mark}{anchor})"
    if path.startswith("docs/") and path.endswith(".md"):
        return f"{link['words']}({path.removeprefix('docs/')}{mark}{anchor})"
    return link["words"][1:-1]


def _to_the_top(link: re.Match[str], depth: int) -> str:
    """Rewrite a link that leaves docs/; folders and files that are no pages lose theirs."""
    path, mark, anchor = link["target"].partition("#")
    outside = "../" * (depth + 1)
    if path.startswith(outside) and path.removeprefix(outside) in PAGES:
        target = "../" * depth + PAGES[path.removeprefix(outside)]
        return f"{link['words']}({target}{mark}{anchor})"
    is_folder = "://" not in path and path and not Path(path).suffix
    return link["words"][1:-1] if path.startswith(outside) or is_folder else link[0]
