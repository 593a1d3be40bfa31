"""Changes of HTML trees that take time in proportion to the tree, however many there are."""

from lxml.html import HtmlElement

_LONG_TAIL = 5000  # characters of text right before an element


def drop(element: HtmlElement) -> None:
    """Remove an element, but not the text that follows it.

    lxml joins that text to the text before it, which for thousands of elements in a row takes
    quadratic time; where much text has come together, an empty element stays in its place.
    """
    parent = element.getparent()
    if parent is None:
        return
    previous = element.getprevious()
    text = parent.text if previous is None else previous.tail
    if element.tail and text and len(text) > _LONG_TAIL:
        element.clear(keep_tail=True)
        element.tag = "span"
    else:
        element.drop_tree()
