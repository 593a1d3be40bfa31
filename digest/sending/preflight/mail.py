"""Checks of the mail as a whole: it renders, has a way out and an address, and is small enough."""

from collections.abc import Iterator

from digest.core.links import Page
from digest.rendering.issue import LARGEST_HTML
from digest.sending.outgoing import compose_sample
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "mail"
LARGE = 0.9  # of the size that Gmail shows


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield what is wrong with the mail as a whole."""
    findings = list(_findings(material))
    yield from findings
    if not findings:
        size = len(material.html.encode()) // 1000
        yield PassedCheck(CHECK, f"{size} KB of 102, with unsubscribe link and postal address")


def _findings(material: Material) -> Iterator[Finding]:
    if not material.publication.postal_address.strip():
        text = "The publication has no postal address."
        advice = "Bulk mail must have one (CAN-SPAM and similar laws)."
        yield Finding(CHECK, Level.STOP, text, advice)
    if material.compiled is None:
        text = f"The mail cannot be rendered: {material.problem}"
        yield Finding(CHECK, Level.STOP, text, "Fix the template.")
        return
    size = len(material.html.encode())
    if size > LARGE * LARGEST_HTML:
        text = f"The mail has {size // 1000} KB of HTML; Gmail clips it at 102."
        yield Finding(CHECK, Level.WARN, text, "Use fewer stories, or shorter texts.")
    unsubscribe = Page.UNSUBSCRIBE.beginning.encode()
    if unsubscribe not in compose_sample(material.issue).replace(b"=\r\n", b""):
        yield Finding(CHECK, Level.STOP, "The mail has no unsubscribe link.", "Fix the template.")
