"""Checks of who sends and who receives: a mail server for the sender, and subscribers."""

from collections.abc import Iterator

from digest.core.database.limits import within
from digest.core.errors import ConfigurationError
from digest.relays import registry, routes
from digest.sending.preflight.material import Material
from digest.sending.preflight.results import Finding, Level, PassedCheck
from digest.sending.segmentation import segmentation_of
from digest.subscribers import audience

SENDER, RECIPIENTS = "sender", "recipients"
FEW = 10_000  # subscribers that are counted
PATIENCE = 2_000  # milliseconds for that


def check(material: Material) -> Iterator[Finding | PassedCheck]:
    """Yield whether mail can leave, and whether anybody would receive it."""
    yield _sender(material)
    if material.compiled:
        yield _recipients(material)


def _sender(material: Material) -> Finding | PassedCheck:
    domain = routes.sender_domain(material.publication.sender_email)
    try:
        advice = routes.domains_without_relay([domain], registry.active_relays()).get(domain)
    except ConfigurationError as problem:
        advice = str(problem)
    if advice:
        return Finding(SENDER, Level.STOP, f"Nothing can be sent from {domain}.", advice)
    return PassedCheck(SENDER, f"a mail server takes mail from {domain}")


def _recipients(material: Material) -> Finding | PassedCheck:
    assert material.compiled
    segmentation = segmentation_of(material.issue, material.compiled)
    if segmentation.problem:
        text = "Nobody can be selected for it."
        return Finding(RECIPIENTS, Level.STOP, text, segmentation.problem)
    rows = audience.eligible(material.issue.newsletter_id, material.now, segmentation.audience)
    number = within(PATIENCE, rows[: FEW + 1].count)
    if number is None:
        text = "The recipients could not be counted in time."
        return Finding(RECIPIENTS, Level.INFO, text, "The issue's page says about how many it has.")
    if not number:
        text = "No subscriber would receive it."
        return Finding(RECIPIENTS, Level.WARN, text, "Add subscribers first.")
    return PassedCheck(RECIPIENTS, f"more than {FEW:,}" if number > FEW else f"{number:,}")
