"""Jobs that tell other programs what happened."""

from digest.api import once
from digest.core import clock, jobs
from digest.hooks import telling
from workers.task import job


@job(jobs.TELL_HOOKS)
def tell_hooks() -> None:
    """Tell what is due."""
    telling.tell_due()


@job(jobs.FORGET_TOLD)
def forget_told() -> None:
    """Forget what was told, and what calls were answered, long ago."""
    telling.forget_old(clock.now())
    once.forget_old(clock.now())
