"""The compiled form of an issue: made once, stored, read by every worker."""

from contextlib import suppress
from functools import lru_cache

from django.db import transaction

from digest.core import clock
from digest.issues.models import Issue
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.rendering.issue import compile_issue
from digest.sending.models import CompiledMail


def compiled_for(issue: Issue) -> Compiled:
    """Return an issue's compiled form; the first call makes and stores it.

    One that an older version of Digest stored is made again: the stories are frozen, so it says
    the same. Raises RenderingError, saying what an editor has to mend.
    """
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        return _load(issue.pk, issue.revision)
    return _load(issue.pk, _compile(issue))


@transaction.atomic
def _compile(issue: Issue) -> int:
    """Compile and store, unless somebody else was faster; return the revision that it is of.

    Subject and preheader become final, until the issue is changed at the desk.
    """
    locked = (
        Issue.objects.select_for_update(of=("self",))
        .select_related("newsletter__publication", "appeal")
        .get(pk=issue.pk)
    )
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        _load(locked.pk, locked.revision)
        return locked.revision
    compiled = compile_issue(locked, list(locked.stories.filter(retracted_at=None)), locked.appeal)
    CompiledMail.objects.update_or_create(
        issue=locked,
        defaults={
            "revision": locked.revision,
            "data": compiled.dumps(),
            "created_at": clock.now(),
        },
    )
    locked.subject, locked.preheader = compiled.subject, compiled.preheader
    locked.save(update_fields=["subject", "preheader"])
    return locked.revision


# A revision of an issue never changes, so each process may keep the few it is working on.
@lru_cache(maxsize=8)
def _load(issue_id: int, revision: int) -> Compiled:
    found = CompiledMail.objects.get(issue_id=issue_id, revision=revision)
    return Compiled.loads(bytes(found.data))
