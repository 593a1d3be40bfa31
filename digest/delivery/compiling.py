"""The compiled form of an edition: made once, stored, read by every worker."""

from contextlib import suppress
from functools import lru_cache

from django.db import transaction

from digest.core import clock
from digest.delivery.models import CompiledMail
from digest.editions.models import Edition
from digest.rendering.compiled import Compiled
from digest.rendering.edition import compile_edition
from digest.rendering.errors import RenderingError


def compiled_for(edition: Edition) -> Compiled:
    """Return an edition's compiled form; the first call makes and stores it.

    One that an older version of Digest stored is made again: the stories are frozen, so it says
    the same. Raises RenderingError, saying what an editor has to mend.
    """
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        return _load(edition.pk)
    _compile(edition)
    return _load(edition.pk)


@transaction.atomic
def _compile(edition: Edition) -> None:
    """Compile and store, unless somebody else was faster; subject and preheader become final."""
    locked = (
        Edition.objects.select_for_update(of=("self",))
        .select_related("newsletter__publication", "appeal")
        .get(pk=edition.pk)
    )
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        _load(locked.pk)
        return
    compiled = compile_edition(locked, list(locked.stories.all()), locked.appeal)
    CompiledMail.objects.update_or_create(
        edition=locked, defaults={"data": compiled.dumps(), "created_at": clock.now()}
    )
    locked.subject, locked.preheader = compiled.subject, compiled.preheader
    locked.save(update_fields=["subject", "preheader"])


# A compiled edition never changes, so each process may keep the few it is working on.
@lru_cache(maxsize=8)
def _load(edition_id: int) -> Compiled:
    return Compiled.loads(bytes(CompiledMail.objects.get(edition_id=edition_id).data))
