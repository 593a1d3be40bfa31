"""A recipient domain that refuses our mail is paused for a while, for one relay.

The relay gets no mail for it until then: more attempts would make it worse, and its subscribers
did nothing wrong. What this means for deliveries is up to `digest.sending.domain_pauses`.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from digest.core.backoff import Backoff
from digest.relays.models import Dispatch, PausedDomain, Relay
from digest.relays.retries import Outcome

BACKOFF = Backoff.doubling(timedelta(minutes=30), timedelta(hours=8))  # lengths of pauses in a row
SPREAD = timedelta(minutes=6)  # over which the deliveries of a domain are due after a pause
IN_A_ROW = timedelta(days=2)  # after a pause, within which the next one is longer
HELD_BACK = "Held back: "

State = Dispatch.State


def paused_domains(relay: Relay, now: datetime) -> Mapping[str, datetime]:
    """Return the domains that are paused for a relay, and until when (aware, UTC)."""
    pauses = PausedDomain.objects.filter(relay=relay, until__gt=now)
    return dict(pauses.values_list("domain", "until"))


@transaction.atomic
def pause_domain(
    relay: Relay, domain: str, reason: str, now: datetime
) -> tuple[PausedDomain, bool]:
    """Pause a domain; return its pause, and whether it is new or the domain was paused before."""
    Relay.objects.select_for_update().get(pk=relay.pk)  # several senders notice at once
    last = PausedDomain.objects.filter(relay=relay, domain=domain).first()
    if last and last.until > now:
        return last, False
    times = last.times + 1 if last and now - last.until < IN_A_ROW else 1
    pause, _ = PausedDomain.objects.update_or_create(
        relay=relay,
        domain=domain,
        defaults={
            "since": now,
            "until": now + BACKOFF.wait(times),
            "times": times,
            "reason": reason[:500],
        },
    )
    return pause, True


def end_pause(pause: PausedDomain, now: datetime) -> None:
    """Let the relay have mail for the domain again."""
    PausedDomain.objects.filter(pk=pause.pk).update(until=now)


def defer_refusal(outcome: Outcome, domain: str, until: datetime) -> Outcome:
    """Return what to record of a refusal by a paused domain: the delivery waits, like the others.

    Other outcomes are returned as they are.
    """
    if outcome.state != State.FAILED:
        return outcome
    reply = f"{held_back(domain)} {outcome.reply}"
    return Outcome(State.DEFERRED, outcome.code, reply, _spread(until), attempted=True)


def deferred(domain: str, until: datetime) -> Outcome:
    """Return what to record of a delivery to a paused domain: it waits, and is not an attempt."""
    return Outcome(State.DEFERRED, None, held_back(domain), _spread(until))


def held_back(domain: str) -> str:
    """Return the reply that deliveries to a paused domain show."""
    return f"{HELD_BACK}{domain} refuses our mail for now."


def _spread(until: datetime) -> datetime:
    return until + SPREAD * random.random()  # noqa: S311
