"""Who changed what issues are made of, until somebody else has approved it.

An issue consists of more than its stories: the newsletter's texts, layout, sources and picks, the
publication's name, colours and sender, the appeal, the rules of segments. Where a second person
approves, nobody approves a change of their own (digest.issues.approval).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from digest.accounts.models import User
from digest.core import clock
from digest.newsletters.models import Appeal, ContentChange, Newsletter, Publication


@contextmanager
def noted(by: User, part: Newsletter | Publication | Appeal) -> Iterator[None]:
    """Note that a user changes a newsletter, a publication or an appeal.

    Noted before the change, so that it cannot be approved in between, and again after it, because
    it may take long: an issue that is built meanwhile does not contain it.
    """
    note(by, part)
    yield
    note(by, part)


def note(by: User, part: Newsletter | Publication | Appeal) -> None:
    """Note that a user changed a part just now."""
    kinds = {"newsletter": Newsletter, "publication": Publication, "appeal": Appeal}
    columns: dict[str, Any] = {
        name: part if isinstance(part, kind) else None for name, kind in kinds.items()
    }
    ContentChange.objects.update_or_create(user=by, **columns, defaults={"at": clock.now()})


def contributors(newsletter: Newsletter, appeals: Iterable[Appeal]) -> set[int]:
    """Return the ids of the users whose changes nobody else has approved yet."""
    return set(_changes(newsletter, appeals).values_list("user_id", flat=True))


def forget(newsletter: Newsletter, appeals: Iterable[Appeal], before: datetime) -> None:
    """Forget the changes made before a moment: somebody else has approved them."""
    _changes(newsletter, appeals).filter(at__lt=before).delete()


def _changes(newsletter: Newsletter, appeals: Iterable[Appeal]) -> QuerySet[ContentChange]:
    part = Q(newsletter=newsletter) | Q(publication=newsletter.publication_id)
    return ContentChange.objects.filter(part | Q(appeal__in=list(appeals)))
