"""Checks of the publication's colours: its accent has to be readable as that of links."""

from collections.abc import Iterator

from digest.core.languages import direction
from digest.rendering.themes.branding import publication_theme
from digest.rendering.themes.colours import READABLE, contrast
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "colours"


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield the colours that are shown in another shade, because they could not be read."""
    publication = material.publication
    theme = publication_theme(publication, direction(material.language))
    modes = [
        ("colour", publication.accent, theme.day),
        ("colour in dark mode", publication.accent_dark or theme.night.accent, theme.night),
    ]
    findings = []
    for name, accent, palette in modes:
        if not accent:  # derived, so that it can be read
            continue
        ratio = contrast(accent, palette.sheet)
        if ratio < READABLE:
            text = f"The {name} {accent} has a contrast of {ratio:.1f}:1; text needs {READABLE}:1."
            advice = f"Links are shown in {palette.accent} instead. Choose another in the design."
            findings.append(Finding(CHECK, Level.INFO, text, advice))
    yield from findings
    if not findings:
        yield PassedCheck(CHECK, "the accent can be read, light and dark")
