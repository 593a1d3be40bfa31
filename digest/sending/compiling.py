"""The compiled form of an issue: made once, stored, and loaded by every worker."""

from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from digest.core import clock
from digest.issues import approval, pictures, tracked_links
from digest.issues.experiments import variants
from digest.issues.models import Block, Issue, Story
from digest.rendering.compiled import Compiled
from digest.rendering.errors import RenderingError
from digest.rendering.issue import compile_issue
from digest.sending.models import CompiledMail


def compiled_for(issue: Issue) -> Compiled:
    """Return an issue's compiled form; the first call makes and stores it.

    A form that an older version of Digest stored is made again; the stories are frozen, so the
    result is the same. Until the issue is planned, so is one of other words: those of its
    newsletter, publication or appeal were changed since, or a picture came. That makes a new
    revision, in `issue` too; where only pictures came, it says the same as the one before. Raises
    RenderingError, which says what an editor has to fix.
    """
    if issue.planned_at is None and _is_stale(issue):
        locked = _compile(issue)
        issue.revision, issue.content_revision = locked.revision, locked.content_revision
    with suppress(CompiledMail.DoesNotExist, RenderingError):
        return _load(issue.pk, issue.uuid, issue.revision)
    return _load(issue.pk, issue.uuid, _compile(issue).revision)


def _is_stale(issue: Issue) -> bool:
    """Say whether the stored form of this revision is of other content."""
    stored = _stored_hashes(issue)
    return stored is not None and stored != _hashes(issue)


def _stored_hashes(issue: Issue) -> tuple[str, str] | None:
    """Return the hashes of the stored form of this revision, if there is one."""
    stored = CompiledMail.objects.filter(issue=issue, revision=issue.revision)
    return stored.values_list("content_hash", "fingerprint").first()


def _hashes(issue: Issue) -> tuple[str, str]:
    """Return a hash of the content, and one of the files of its pictures and tracked links."""
    publication = issue.newsletter.publication
    tracking = f"{publication.tracking} {publication.track_opens}"
    files = pictures.fingerprint(issue) + tracking
    return approval.fingerprint(issue), sha256(files.encode()).hexdigest()


@transaction.atomic
def _compile(issue: Issue) -> Issue:
    """Compile and store, unless another process was faster; return the issue as it is then.

    Subject and preheader become final, until an editor changes the issue.
    """
    locked = (
        Issue.objects.select_for_update(of=("self",))
        .select_related("newsletter__publication")
        .get(pk=issue.pk)
    )
    if locked.planned_at is None and _is_stale(locked):
        _make_next_revision(locked)
        locked.subject = locked.preheader = ""  # they came from the content of before
    else:
        with suppress(CompiledMail.DoesNotExist, RenderingError):
            _load(locked.pk, locked.uuid, locked.revision)
            return locked
    leads, (content_hash, fingerprint) = variants.leads_of(locked), _hashes(locked)
    compiled = compile_issue(locked, *_content(locked), tracked_links.store, leads)
    CompiledMail.objects.update_or_create(
        issue=locked,
        defaults={
            "revision": locked.revision,
            "content_hash": content_hash,
            "fingerprint": fingerprint,
            "data": compiled.dumps(),
            "created_at": clock.now(),
        },
    )
    _mark_left_out(locked, compiled)
    locked.subject, locked.preheader = compiled.subject, compiled.preheader
    locked.save(update_fields=["revision", "content_revision", "subject", "preheader"])
    return locked


def _make_next_revision(issue: Issue) -> None:
    """Count a revision, because processes have cached the stored form under its number.

    Files that came are not a change of the content: whoever saw the issue before may approve it.
    """
    stored = _stored_hashes(issue)
    if stored and stored[0] == approval.fingerprint(issue):
        issue.revision += 1
    else:
        issue.make_next_revision()


def _mark_left_out(issue: Issue, compiled: Compiled) -> None:
    """Note which stories had no room: they have not been sent, and may be in the next issue.

    Once the issue goes out, one that had no room keeps its mark, though a retraction made room for
    it in the mails that are left: those who had theirs before have not had it.
    """
    if issue.planned_at is None:
        issue.stories.filter(left_out=True).update(left_out=False)
    issue.stories.filter(position__in=compiled.dropped).update(left_out=True)


def _content(issue: Issue) -> tuple[list[Block], list[Story]]:
    blocks = list(issue.blocks.select_related("appeal"))
    stories = issue.stories.filter(retracted_at=None).select_related("block", "picture")
    return blocks, list(stories)


# A revision of an issue never changes, so each process may cache the few it works on. The UUID is
# part of the key: after a restore another issue may get the id while the process goes on.
@lru_cache(maxsize=8)
def _load(issue_id: int, uuid: UUID, revision: int) -> Compiled:
    mail = CompiledMail.objects.get(issue_id=issue_id, issue__uuid=uuid, revision=revision)
    return Compiled.loads(bytes(mail.data))
