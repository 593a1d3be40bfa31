"""The verdict of rspamd on the mail (its HTTP protocol, /checkv2), where one is configured."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from django.conf import settings

from digest.sending.outgoing import SAMPLE_EMAIL, compose_sample
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck

CHECK = "spam"
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    score: float
    limit: float  # from here on it is spam
    rules: str  # those that raised the score most


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield how rspamd scores the mail."""
    if not settings.DIGEST_RSPAMD_URL:
        return
    try:
        verdict = _check(material)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as problem:
        text = f"rspamd gave no verdict: {problem}"
        yield Finding(CHECK, Level.WARN, text, "Check DIGEST_RSPAMD_URL.")
        return
    if verdict.score <= verdict.limit / 2:
        yield PassedCheck(CHECK, f"rspamd scores it {verdict.score:.1f} of {verdict.limit:.0f}")
        return
    text = f"rspamd scores it {verdict.score:.1f}; {verdict.limit:.0f} is spam."
    level = Level.STOP if verdict.score >= verdict.limit else Level.WARN
    yield Finding(CHECK, level, f"{text} Highest: {verdict.rules}.", "Change what they name.")


def _check(material: Material) -> _Verdict:
    address = f"{settings.DIGEST_RSPAMD_URL.rstrip('/')}/checkv2"
    sender = material.publication.sender_email
    answer = httpx.post(
        address,
        content=compose_sample(material.issue),
        # As mail of an authenticated user: no host has sent it yet, so none can be judged.
        headers={"From": sender, "Rcpt": SAMPLE_EMAIL, "User": sender},
        timeout=SECONDS,
    )
    values = answer.raise_for_status().json()
    rules = sorted(values.get("symbols", {}).values(), key=lambda rule: -rule.get("score", 0))
    names = ", ".join(str(rule.get("name", "")) for rule in rules[:3])
    return _Verdict(float(values["score"]), float(values["required_score"]), names)
