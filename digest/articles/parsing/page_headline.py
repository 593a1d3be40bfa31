"""Finds the headline of a page: the heading that agrees best with the declared title.

A page may have several h1 elements, one of them often the site's name; the declared title may be
written for search engines, and often ends with the site's name.
"""

import re
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from digest.articles.parsing import markup
from digest.articles.parsing.metadata import Metadata
from digest.core.text import one_line

MIN_SCORE = {"h1": 0.2, "h2": 0.55}
MARGIN = 0.25  # by which an h2 has to agree better than an h1
SHORTEST_NAME = 3  # characters of a host's label that may be the site's name
MOST_HEADINGS = 200  # of each kind that are compared
LONGEST = 400  # characters of a heading
_PARTS = re.compile(r"\s+[|–—•·»›~:-]+\s+|\s*[|»›]\s*|\s+::\s+")  # noqa: RUF001  as sites write it


def find_headline(
    page: HtmlElement, details: Metadata, url: str = ""
) -> tuple[HtmlElement | None, str]:
    """Return the element that holds the headline, or None, and the headline."""
    sites = _host_names(url) | {_joined(details.site)} - {""}
    declared = _without_site(details.headline or one_line(page.findtext(".//title") or ""), sites)
    best, score = _best(page, "h1", declared, sites)
    rival, rival_score = _best(page, "h2", declared, sites)
    if rival is not None and rival_score >= max(MIN_SCORE["h2"], score + MARGIN):
        best, score = rival, rival_score
    if best is None or score < MIN_SCORE["h1"]:
        return None, declared
    return best, _without_site(markup.text_of(best), sites)


def _without_site(title: str, sites: set[str]) -> str:
    """Return a title without the site's name before or after it ("… | The Courier")."""
    separators = list(_PARTS.finditer(title))
    if separators and _joined(title[separators[-1].end() :]) in sites:
        return title[: separators[-1].start()]
    if separators and _joined(title[: separators[0].start()]) in sites:
        return title[separators[0].end() :]
    return title


def _host_names(url: str) -> set[str]:
    """Return how a site may be called after its host: "e.example", "eexample", "example"."""
    try:
        host = (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return set()
    names = {_joined(host), _joined(host.rpartition(".")[0]), *map(_joined, host.split("."))}
    return {name for name in names if len(name) >= SHORTEST_NAME}


def _joined(text: str) -> str:
    return "".join(re.findall(r"\w+", text.lower()))


def _best(
    page: HtmlElement, tag: str, title: str, sites: set[str]
) -> tuple[HtmlElement | None, float]:
    """Return the heading that agrees best with the title, and how well; not the site's name."""
    title_tokens = _tokens(title)
    best, best_score = None, 0.0
    for heading in list(page.iter(tag))[:MOST_HEADINGS]:
        text = markup.text_of(heading)
        if not text or len(text) > LONGEST or (_joined(text) in sites and text != title):
            continue
        heading_tokens = _tokens(text)
        common = len(heading_tokens & title_tokens)
        score = max(
            common / max(len(heading_tokens), 3),
            2 * common / (len(heading_tokens) + len(title_tokens) or 1),
        )
        if score > best_score:
            best, best_score = heading, score
    return best, best_score


def drop_earlier_headings(page: HtmlElement, headline: HtmlElement | None) -> None:
    """Remove the h1 elements before the headline, in place: the site's name, or a section's."""
    if headline is None:
        return
    ancestors = set(headline.iterancestors())
    for heading in list(page.iter("h1", headline.tag)):
        if heading is headline:
            return
        if heading.tag == "h1" and heading.getparent() is not None and heading not in ancestors:
            heading.drop_tree()


def _tokens(title: str) -> set[str]:
    return set(re.findall(r"\w+", title.lower()))
