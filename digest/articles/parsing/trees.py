"""Changes of HTML trees that take time in proportion to the tree, however many there are."""

from lxml.html import HtmlElement, builder

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


def split_paragraphs(root: HtmlElement) -> None:
    """Make paragraphs of what two or more <br> in a row part within one <p>, in place."""
    for paragraph in list(root.iter("p")):
        parts = _parts_of(paragraph)
        if parts:
            parts[-1].tail, paragraph.tail = paragraph.tail, None
            for part in parts:
                paragraph.addprevious(part)
            drop(paragraph)


def _parts_of(paragraph: HtmlElement) -> list[HtmlElement]:
    """Return the parts of a paragraph with two <br>, its content moved to them, or nothing."""
    breaks = sum(child.tag == "br" for child in paragraph)
    if breaks < 2 or paragraph.getparent() is None:
        return []
    parts, breaks = [builder.E.p(paragraph.text or "")], 0
    for child in list(paragraph):
        if child.tag == "br" and not (child.tail or "").strip():
            breaks += 1
            continue
        breaks += child.tag == "br"
        if breaks > 1:
            parts.append(builder.E.p())
        elif breaks:
            parts[-1].append(builder.E.br())
        breaks = 0
        _append(parts[-1], child)
    return [part for part in parts if len(part) or (part.text or "").strip()]


def _append(part: HtmlElement, child: HtmlElement) -> None:
    """Move a child to the end of a part; of a <br> only the text after it."""
    if child.tag != "br":
        part.append(child)
    elif len(part):
        part[-1].tail = (part[-1].tail or "") + (child.tail or "")
    else:
        part.text = (part.text or "") + (child.tail or "")
