"""Jobs that read mailboxes and histories of other servers, which may be slow."""

from digest.bounces.mailboxes import polling
from digest.bounces.providers import history
from digest.bounces.results import hosting
from digest.core import clock, jobs
from digest.reputation import warm_up
from digest.reputation.dmarc import hosts, storing
from digest.reputation.services import collecting
from workers.task import job


@job(jobs.POLL_MAILBOXES)
def poll_mailboxes() -> None:
    """Poll the mailboxes that are due."""
    polling.poll_due()


@job(jobs.ASK_PROVIDERS)
def ask_providers() -> None:
    """Ask providers for the events that their webhooks may have lost."""
    history.ask_due(clock.now())


@job(jobs.LOOK_UP_NAMES)
def look_up_names() -> None:
    """Look up which providers host recipients' domains, and who sends in our name; tidy up."""
    now = clock.now()
    hosting.look_up_recent(now)
    hosts.look_up_recent(now)
    storing.delete_old(now)
    warm_up.note_sent(now)  # last: it fails where Valkey is away


@job(jobs.ASK_SERVICES)
def ask_services() -> None:
    """Ask the services of providers how they see our mail."""
    collecting.collect_due(clock.now())
