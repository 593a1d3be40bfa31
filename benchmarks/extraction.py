"""How well articles are read from pages, on pages that others collected.

`python -m benchmarks.extraction FOLDER…`, or DIGEST_PAGES in the environment. A folder is a
checkout of one of these repositories, told apart by its files; nothing of them is part of Digest.

    scrapinghub/article-extraction-benchmark    ground-truth.json, html/*.html.gz
    mozilla/readability                         test/test-pages/*/{source,expected}.html
    adbar/trafilatura                           tests/evaldata.json: passages that (do not) belong

Whole texts are compared as the first of these does, by runs of four words; passages are counted.
Each set is also read with trafilatura alone, in the same run.
"""

import gzip
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import NamedTuple

RUN = 4  # words
EXTRACTORS = ("digest", "trafilatura")


class Page(NamedTuple):
    """A page and what is right: its text, or passages that it has and has not."""

    name: str
    path: Path
    url: str
    text: str = ""
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How one page was read: true and false positives, false negatives; shares of one."""

    hits: float
    wrong: float
    missed: float
    is_titled: bool | None  # None: the set does not say how the article is called


def main() -> None:
    """Read every set with every extractor, and print a line for each."""
    folders = sys.argv[1:] or os.environ.get("DIGEST_PAGES", "").split(os.pathsep)
    if not any(folders):
        print("Nothing to read: name folders of pages on the command line or in DIGEST_PAGES.")
        return
    print(f"{'':<40} {'pages':>5} {'F1':>6} {'prec.':>6} {'recall':>6} {'titles':>6}")
    with ProcessPoolExecutor() as pool:
        for folder in map(Path, folders):
            for name, pages in _sets(folder):
                for extractor in EXTRACTORS:
                    scores = pool.map(_score, pages, [extractor] * len(pages), chunksize=8)
                    _print_scores(f"{name}, {extractor}", list(scores))


def _sets(folder: Path) -> Iterator[tuple[str, list[Page]]]:
    for name, read in _LAYOUTS.items():
        if pages := sorted(read(folder), key=lambda page: page.name):
            yield name, pages


def _whole_texts(folder: Path) -> Iterator[Page]:
    path = folder / "ground-truth.json"
    for key, values in json.loads(path.read_text()).items() if path.exists() else ():
        yield Page(key, folder / "html" / f"{key}.html.gz", values["url"], values["articleBody"])


def _test_pages(folder: Path) -> Iterator[Page]:
    from digest.articles.plain_text import text

    for path in folder.glob("test/test-pages/*/source.html"):
        expected = path.with_name("expected.html").read_text()
        values = json.loads(path.with_name("expected-metadata.json").read_text())
        title = values.get("title") or ""
        yield Page(path.parent.name, path, "http://fakehost/test/", text(expected), title=title)


def _passages(folder: Path) -> Iterator[Page]:
    path = folder / "tests" / "evaldata.json"
    for url, values in json.loads(path.read_text()).items() if path.exists() else ():
        places = (path.parent / part / values["file"] for part in ("cache", "eval"))
        if page := next(filter(Path.exists, places), None):
            yield Page(
                values["file"], page, url, "", tuple(values["with"]), tuple(values["without"]),
                values.get("title") or "",
            )  # fmt: skip


_LAYOUTS: dict[str, Callable[[Path], Iterator[Page]]] = {
    "article-extraction-benchmark": _whole_texts,
    "readability": _test_pages,
    "trafilatura": _passages,
}


def _score(page: Page, extractor: str) -> Score:
    body = page.path.read_bytes()
    body = gzip.decompress(body) if page.path.suffix == ".gz" else body
    title, text = read(body, page.url) if extractor == "digest" else _read_plainly(body, page.url)
    is_titled = _tokens(title) == _tokens(page.title) if page.title else None
    if not page.text:
        included = [" ".join(part.split()) in " ".join(text.split()) for part in page.included]
        wrong = [" ".join(part.split()) in " ".join(text.split()) for part in page.excluded]
        return Score(sum(included), sum(wrong), len(included) - sum(included), is_titled)
    right, extracted = _runs(page.text), _runs(text)
    total = sum((right | extracted).values()) or 1
    return Score(
        (right & extracted).total() / total, (extracted - right).total() / total,
        (right - extracted).total() / total, is_titled,
    )  # fmt: skip


def read(body: bytes, url: str) -> tuple[str, str]:
    """Return title and text that Digest reads from a page; blank where it finds no article."""
    from digest.articles import cleaning, parsing
    from digest.articles.errors import ParseError

    try:
        entry = cleaning.cleaned(parsing.parse_page(body, url)).entries[0]
    except ParseError:
        return "", ""
    return entry.title, cleaning.text(entry.body_html, figures=False)


def _read_plainly(body: bytes, url: str) -> tuple[str, str]:
    import trafilatura

    return "", trafilatura.extract(body, url=url, include_comments=False) or ""


def _runs(text: str) -> Counter[tuple[str, ...]]:
    tokens = _tokens(text)
    runs = (tuple(tokens[at : at + RUN]) for at in range(max(1, len(tokens) - RUN + 1)))
    return Counter(run for run in runs if run)


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _print_scores(name: str, scores: list[Score]) -> None:
    if name.startswith("trafilatura,"):  # passages: one sum, as its own evaluation has it
        hits, wrong = sum(s.hits for s in scores), sum(s.wrong for s in scores)
        precision, recall = hits / (hits + wrong), hits / (hits + sum(s.missed for s in scores))
    else:
        precision = mean(s.hits / (s.hits + s.wrong) for s in scores if s.hits + s.wrong)
        recall = mean(s.hits / (s.hits + s.missed) for s in scores if s.hits + s.missed)
    titled = [score.is_titled for score in scores if score.is_titled is not None]
    print(
        f"{name:<40} {len(scores):>5} {2 * precision * recall / (precision + recall):>6.3f}"
        f" {precision:>6.3f} {recall:>6.3f} {mean(titled) if titled else 0:>6.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
