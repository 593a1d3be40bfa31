"""Checks whether the publication's logo can be seen, by day and in dark mode."""

from collections.abc import Iterator

from digest.core.errors import DigestError
from digest.core.http import fetch
from digest.core.languages import direction
from digest.pictures import converting
from digest.rendering.themes.branding import publication_theme
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "logos"
VISIBLE = 3.0  # WCAG 2.1 §1.4.11, for graphics


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield the modes in which the logo is hardly seen; nothing without a logo."""
    if not material.publication.logo_url:
        return
    try:
        ratios = _contrasts(material)
    except DigestError:
        return  # the check of links names a logo that cannot be fetched
    findings = [_finding(mode, ratio) for mode, ratio in ratios.items() if ratio < VISIBLE]
    yield from findings
    if not findings:
        yield PassedCheck(CHECK, "can be seen, light and dark")


def _contrasts(material: Material) -> dict[str, float]:
    """Return the contrast of the logo in each mode, from 1 to 21."""
    publication = material.publication
    theme = publication_theme(publication, direction(material.language))
    light, dark = theme.day.sheet, theme.night.sheet
    if not publication.logo_dark_url:
        ratios = _ratios(publication.logo_url, [light, dark])
    else:
        by_day = _ratios(publication.logo_url, [light])
        ratios = by_day + _ratios(publication.logo_dark_url, [dark])
    return dict(zip(("light mode", "dark mode"), ratios, strict=True))


def _ratios(url: str, grounds: list[str]) -> list[float]:
    body = fetch(url, largest=converting.MAX_BYTES).body
    return list(converting.contrasts(body, grounds))


def _finding(mode: str, ratio: float) -> Finding:
    text = f"The logo has a contrast of {ratio:.1f}:1 in {mode}; {VISIBLE:.0f}:1 is needed."
    advice = "Use one with a background or an outline of its own, or add a logo for dark mode."
    return Finding(CHECK, Level.WARN, text, advice)
