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
        return _load(edition.pk, edition.revision)
    return _load(edition.pk, _compile(edition))


@transaction.atomic
def _compile(edition: Edition) -> int:
    """Compile and store, unless somebody else was faster; return the revision that it is of.

    Subject and preheader become final, until the issue is changed at the desk.
    """
    locked = (
        Edition.objects.select_for_update(of=("self",))
        .select_related("newsletter__publication", "appeal")
        .get(pk=edition.pk)
    )
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        _load(locked.pk, locked.revision)
        return locked.revision
    compiled = compile_edition(
        locked, list(locked.stories.filter(retracted_at=None)), locked.appeal
    )
    CompiledMail.objects.update_or_create(
        edition=locked,
        defaults={
            "revision": locked.revision,
            "data": compiled.dumps(),
            "created_at": clock.now(),
        },
    )
    locked.subject, locked.preheader = compiled.subject, compiled.preheader
    locked.save(update_fields=["subject", "preheader"])
    return locked.revision


# A revision of an edition never changes, so each process may keep the few it is working on.
@lru_cache(maxsize=8)
def _load(edition_id: int, revision: int) -> Compiled:
    found = CompiledMail.objects.get(edition_id=edition_id, revision=revision)
    return Compiled.loads(bytes(found.data))
