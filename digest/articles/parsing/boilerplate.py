"""Removes what surrounds an article on its page.

Newsletter sign-ups, donation boxes, lists of popular and latest stories, related links, share
buttons, comments, and notes of the newsroom about itself. `remove_boilerplate` works on the page,
before the article is extracted; `trim_end` on the end of the extracted article, where such blocks
look most like prose.

Class names and headings are only hints: an article may be about donations. So an element that holds
the headline or a good part of the page's prose is never removed.
"""

import re
from itertools import islice

from lxml.html import HtmlElement

from digest.articles.parsing.trees import drop

MAX_SHARE = 0.3  # of a page's prose; an element with more is the article, whatever its class says
MOST_SHARE = 0.6  # of a short page's prose
MIN_TEXT = 200  # characters of prose; a page with less has no article to read
MAX_NOTE = 500  # characters; a longer text is not a note
MAX_BLOCKS = 100  # headings of boilerplate whose blocks are looked for; more are dropped alone
TAIL_BLOCKS = 4  # blocks at the end of an article that may be notes
LONG_TEXT = 80  # characters; text outside of a paragraph counts as prose from here on
_MOST_WRAPPERS = 5  # levels
_WRAPPERS = frozenset({"div", "section", "article", "main", "span"})
_NAMES = ("class", "id", "role", "hidden")
_NO_TEXT = frozenset({"script", "style", "noscript", "template", "a", "option", "select", "head"})

_TAGS = (
    "script", "style", "noscript", "template", "form", "nav", "footer", "dialog", "button",
    "iframe", "object", "svg", "select",
)  # fmt: skip
_ROLES = {
    "complementary", "navigation", "search", "contentinfo", "dialog", "alertdialog", "banner",
    "form", "menu",
}  # fmt: skip
_HEADINGS = ("h2", "h3", "h4", "h5", "h6")

_CLASS = re.compile(
    r"""(?:\A|[-_ ])(?:
    newsletters? | sign-?up | subscri(?:be|ptions?|ption-widget)
    | donat(?:e|ions?) | support-(?:us|box) | contributions?-(?:box|ask|banner) | contribute
    | reader-revenue | epic | membership | member-box
    | related | recirc\w* | rich-link | popular | trending
    | most-(?:read|popular|viewed|commented) | most-read__\w+
    | latest(?:-(?:stories|news|posts|articles))? | more-(?:from|stories|news|on|in)
    | read-(?:more|next|also) | up-next | next-up | recommend(?:ed|ations?)
    | you-(?:may|might)(?:-also)?-like
    | shar(?:e|ing)(?:-\w+)? | social(?:-\w+)? | follow-us | republish\w* | toolbar | print-only
    | comments? | disqus\w* | respond
    | promo(?:-\w+)? | advert\w* | ad-(?:slot|unit|container) | sponsor\w* | outbrain | taboola
    | cookie\w* | consent | gdpr | breadcrumbs? | topics | tag-list | post-tags
    | author-bio | about-(?:the-)?author | about-us | staff-note | pull-?quote
    | widget-area | sidebar | rail
    | skip-link | off-screen | screen-reader(?:-text)? | visually-?hidden | sr-only
    )(?:\Z|[-_ ])""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADING = re.compile(
    r"""\A\W*(?:
    # rails
    (?:most|more)\s+(?:popular|read|viewed|shared|commented|stories|news|articles)\b.{0,40}
    | popular(?:\s+(?:articles?|stories|posts|now|on\s.{1,40}))?
    | trending(?:\s+(?:now|stories|articles))?
    | (?:the\s+)?latest(?:\s+(?:stories|news|articles|posts|headlines|updates|from\s.{1,40}))?
    | related(?:\s+(?:stories|articles|content|posts|coverage|topics|links|reading))?
    | recommended\b.{0,40} | you\s+(?:may|might)\s+(?:also\s+)?(?:like|be\s+interested)\b.{0,40}
    | read\s+(?:more|next|also)\b.{0,40} | up\s+next\b.{0,40}
    | (?:more|also)\s+(?:from|on|in|by)\s.{1,60}
    | in\s+case\s+you\s+missed\s+it | editors?\W?s?\s+picks?
    | mehr\s+(?:zum\s+thema|von|aus)\b.{0,40} | meist\s?gelesen\w*
    | das\s+könnte\s+(?:sie|dich)\s+auch\s+interessieren | (?:lesen\s+sie|lies)\s+auch\b.{0,40}
    | (?:à\s+)?lire\s+aussi | les\s+plus\s+lus | lo\s+más\s+(?:leído|visto)
    | te\s+puede\s+interesar | leia\s+(?:mais|também)
    # sign-ups
    | (?:receive|get)\s.{0,40}(?:news|updates|newsletter|inbox|email).{0,60}
    | (?:subscribe|sign\s+up)\b.{0,100} | (?:our\s+)?newsletters?
    | (?:join|register)(?:\s+(?:us|our|now|here|today|for\s+free)\b.{0,80})?
    | stay\s+(?:informed|up\s+to\s+date|connected).{0,40}
    # asks
    | (?:please\s+)?(?:donate|contribute)\b.{0,60}
    | (?:please\s+)?support(?:\s+(?:us|our|this|independent|local|quality|the\s+\w+)\b.{0,60})?
    | help\s+(?:us|keep\s+us|fund)\b.{0,60} | become\s+a\s+(?:member|supporter|subscriber)\b.{0,40}
    | .{1,40}\sist\s+spendenfinanziert.{0,3} | (?:jetzt\s+)?unterstützen.{0,40}
    # the rest
    | share(?:\s+(?:this|on|via)\b.{0,40})? | follow\s+us\b.{0,40}
    | (?:leave\s+a\s+)?(?:comments?|reply|responses?)(?:\s*\(?\d*\)?)?
    | about\s+(?:us|the\s+authors?|this\s+(?:site|newsletter))
    | advertisement | sponsored(?:\s+content)? | tags? | topics
    )\W*\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_NOTE = re.compile(
    r"""\A\W*(?:
    (?:follow|subscribe|sign\s+up|donate|support|join|listen\s+to|download|like)
        \s+(?:us|for|our|the|@|on|(?:to\s+)?\w+\s+(?:on|live|here|now))\b
    | (?:click|tap)\s+here\s+to\s+(?:subscribe|sign|donate|support|read|join)
    | if\s+you\s+(?:liked?|value|enjoy(?:ed)?|appreciate)\b
        .{0,80}\b(?:support|donat|subscrib|shar|consider)
    | (?:contact|email|write\s+to)\s+(?:the\s+)?(?:author|reporter|editor|us)\b
    | (?:read|see)\s+(?:more|also|next|related)\b | related\s*: | also\s+read\b | more\s*:
    | (?:this|our)\s+(?:article|story|report(?:ing)?|journalism|work|coverage|newsroom)\b.{0,60}\b
        (?:made\s+possible|funded|supported|depends|relies|is\s+free|members?\b|(?:readers?|subscribers?)\s+like\s+you)
    | we\s+(?:are|rely|depend|need)\b
        .{0,60}\b(?:independent|non-?profit|readers?|subscribers?|donations?|support)
    | (?:copyright|©|\(c\))\s.{0,100} | all\s+rights\s+reserved
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# The newsroom about itself: "The Saltmarsh Courier staff …", "The Saltmarsh Courier is a …".
_SELF_DESCRIPTION = (
    r"\A\W*(?:the\s+)?{site}(?:\Ws)?\s+(?:staff|team|newsroom|editors?|is\s+(?:an?|the)\b|was\s+founded|"
    r"relies|depends|exists|publishes|covers|brings|needs|ist\s+(?:ein|das)\b)"
)


def remove_boilerplate(page: HtmlElement, headline: HtmlElement | None) -> None:
    """Remove boilerplate from a page, in place."""
    share = _Share(page, headline)
    blocks = 0
    for element in list(page.iter(*_TAGS)):
        share.drop_unless_article(element)
    for element in _marked_elements(page):
        share.drop_unless_article(element)
    for heading in list(page.iter(*_HEADINGS)):
        if not _HEADING.match(_text_of(heading)):
            continue
        blocks += 1
        block = _enclosing_block(heading, headline) if blocks <= MAX_BLOCKS else heading
        share.drop_unless_article(block)


def unwrap(article: HtmlElement) -> None:
    """Lift the blocks of an extracted article out of the wrappers around them, in place."""
    for _ in range(_MOST_WRAPPERS):
        blocks = [block for block in article if _text_of(block) or block.find(".//img") is not None]
        is_wrapped = len(blocks) == 1 and blocks[0].tag in _WRAPPERS
        if not is_wrapped or (article.text or "").strip() or (blocks[0].tail or "").strip():
            return
        blocks[0].drop_tag()


def trim_end(article: HtmlElement, site: str) -> None:
    """Remove boilerplate sections and the notes at the end from an extracted article, in place."""
    for heading in [h for h in article.iter(*_HEADINGS) if _HEADING.match(_text_of(h))]:
        _drop_with_following(heading)
    _trim_blocks(article, site)


def _trim_blocks(container: HtmlElement, site: str, levels: int = _MOST_WRAPPERS) -> None:
    """Drop the notes among the last blocks; where the last one is a wrapper, those in it."""
    for block in list(container)[-TAIL_BLOCKS:][::-1]:
        text = _text_of(block)
        if block.tag == "img" or (block.tail or "").strip():
            continue
        if text and not _is_note(text, site):
            if block.tag in _WRAPPERS and levels:
                _trim_blocks(block, site, levels - 1)
            break
        drop(block)


def text_length(element: HtmlElement) -> int:
    """Return how many characters of prose an element holds: its paragraphs, and long texts."""
    return sum(_own_text(part) for part in element.iter())


def _own_text(element: HtmlElement) -> int:
    """Return the characters of prose that an element adds to what its children hold.

    A paragraph's text is counted where it stands; other text if it is long and not in a link, so
    that an article whose paragraphs are parted by <br> counts too.
    """
    if element.tag in _NO_TEXT or not isinstance(element.tag, str):
        return 0
    if element.tag == "p":
        return len(_text_of(element))
    if any(ancestor.tag == "p" for ancestor in islice(element.iterancestors(), 3)):
        return 0
    texts = [element.text, *(child.tail for child in element)]
    lengths = (len(" ".join(text.split())) for text in texts if text)
    return sum(length for length in lengths if length >= LONG_TEXT)


class _Share:
    """How much of a page's prose each element holds: counted once, kept up as elements go."""

    def __init__(self, page: HtmlElement, headline: HtmlElement | None) -> None:
        self._kept = set() if headline is None else {headline, *headline.iterancestors()}
        for body in page.iter():
            if isinstance(body.tag, str) and body.get("itemprop") == "articleBody":
                self._keep(body)
        self._prose: dict[HtmlElement, int] = {}
        elements = list(page.iter())
        for element in reversed(elements):  # children come before their parents
            own = _own_text(element)
            self._prose[element] = own + sum(self._prose[child] for child in element)
        whole = self._prose[page]
        self._most = min(max(whole * MAX_SHARE, MAX_NOTE), max(whole * MOST_SHARE, MIN_TEXT))

    def _keep(self, element: HtmlElement) -> None:
        """Keep an element and what it stands in."""
        for ancestor in (element, *element.iterancestors()):
            if ancestor in self._kept:
                return
            self._kept.add(ancestor)

    def drop_unless_article(self, element: HtmlElement) -> None:
        """Drop an element unless it holds the headline or a good part of the page's prose."""
        if element.getparent() is None:
            return
        if element in self._kept or self._prose[element] > self._most:
            for name in _NAMES:  # they mislead trafilatura as well
                element.attrib.pop(name, None)
            return
        for ancestor in element.iterancestors():
            self._prose[ancestor] -= self._prose[element]
        drop(element)


def _marked_elements(page: HtmlElement) -> list[HtmlElement]:
    """Return the elements whose tag, role, class or id says that they are not the article."""
    return [
        element
        for element in page.iter()
        if isinstance(element.tag, str)
        and element.tag not in {"html", "body", "main", "article", "h1"}
        and (
            element.tag == "aside"
            or element.get("role", "").lower() in _ROLES
            or element.get("hidden") is not None
            or _CLASS.search(f"{element.get('class', '')} {element.get('id', '')}")
        )
    ]


def _enclosing_block(heading: HtmlElement, headline: HtmlElement | None) -> HtmlElement:
    """Return the largest boilerplate block that begins with a heading, or the heading itself.

    An article may have such a heading of its own ("Support for the bill"), with prose below it.
    """
    block = heading
    for container in heading.iterancestors():
        if container.tag in {"body", "html", "main", "article"} or container is headline:
            break
        if not _text_of(container).startswith(_text_of(heading)):
            break
        if not _is_boilerplate([container]):
            break
        block = container
    return block


def _drop_with_following(heading: HtmlElement) -> None:
    """Drop a heading and what follows it, up to the next heading, unless that is prose."""
    following = []
    for sibling in heading.itersiblings():
        if sibling.tag in {"h1", *_HEADINGS}:
            break
        following.append(sibling)
    if _is_boilerplate(following):
        for element in (heading, *following):
            drop(element)


def _is_boilerplate(elements: list[HtmlElement]) -> bool:
    """Return whether the blocks are short, or mostly links."""
    size = sum(len(_text_of(element)) for element in elements)
    linked = sum(len(_text_of(link)) for element in elements for link in element.iter("a"))
    return size <= MAX_NOTE or linked * 2 >= size


def _is_note(text: str, site: str) -> bool:
    if len(text) > MAX_NOTE:
        return False
    describes_itself = site and re.match(
        _SELF_DESCRIPTION.format(site=re.escape(re.sub(r"\A(?i:the)\s+", "", site))),
        text,
        re.IGNORECASE,
    )
    return bool(_NOTE.match(text) or describes_itself)


def _text_of(element: HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())
