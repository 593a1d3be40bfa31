"""Preflight: is an issue ready to be sent? What should be fixed, where, and what passed.

    results        what checks say, and the names of the checks
    material       what they look at
    stories, pictures, texts, dates, mail, accessibility, colours, sender, timing
                   the quick checks, which need no network
    links, logos, spam
                   the slow ones; their result is stored until the issue changes
    examining      runs them

Checks change nothing but the compiled form, which is made again when the issue changes.
"""

from digest.sending.preflight.examining import examine, examine_quickly
from digest.sending.preflight.results import CHECKS, Finding, Level, PassedCheck, Place, Results

__all__ = [
    "CHECKS",
    "Finding",
    "Level",
    "PassedCheck",
    "Place",
    "Results",
    "examine",
    "examine_quickly",
]
