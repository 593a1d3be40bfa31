"""Parts of a post that not everybody may read, as Ghost marks them in its HTML.

Ghost's Content API takes them out; its webhooks, its Admin API and its export do not.
"""

import re

_BLOCK = re.compile(  # one that never ends is hidden to the end
    r"<!--\s*kg-gated-block:begin\b(?P<audience>.*?)-->"
    r"(?P<content>.*?)(?:<!--\s*kg-gated-block:end\s*-->|\Z)",
    re.DOTALL,
)
_FOR_EVERYBODY = re.compile(r"\bnonMember:true\b")


def has_gated_blocks(html: str) -> bool:
    """Say whether Ghost shows parts of this only to some."""
    return "kg-gated-block" in html


def strip_gated_blocks(html: str) -> str:
    """Return what visitors who are not members see."""
    return _BLOCK.sub(
        lambda block: block["content"] if _FOR_EVERYBODY.search(block["audience"]) else "", html
    )
