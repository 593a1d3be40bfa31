"""The public archive: the issues that were sent or are being sent, and no others.

It has those of public newsletters that went to every subscriber. One of a private newsletter, or
for a segment or a topic, is found by the link in its mails. Not everyone may read each of them
(`newsletters.publicity.archive_access`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Prefetch, Q, QuerySet
from django.utils.html import escape
from django.utils.translation import gettext as _

from digest.core import links
from digest.core.errors import LinkGoneError
from digest.issues.errors import IssueError
from digest.issues.models import Issue, Story
from digest.issues.window import stories_for_everyone
from digest.newsletters.choices import ShownIn
from digest.newsletters.models import Cadence, Newsletter, Publication
from digest.newsletters.publicity.archive_access import ArchiveAccess
from digest.pictures.sizes import Size
from digest.rendering.blocks.pictures import story_picture
from digest.sending.compiling import compiled_for

_NOTE = "max-width:600px;margin:0 auto 16px;padding:0 24px;font-family:sans-serif"
_CLICK = f"/{links.WEB_VERSION}"
TEASED_STORIES = 3
# The stories that the web page of an issue shows, or showed until they were retracted.
_ON_PAGE = Q(left_out=False, block__hidden=False) & ~Q(block__shown_in=ShownIn.MAIL)
_PUBLIC = (Issue.State.SENDING, Issue.State.PAUSED, Issue.State.SENT)


def list_publications() -> list[Publication]:
    """Return the publications that home shows, each with its newsletters there in `active`."""
    active = Newsletter.objects.open_to_all().order_by("name")
    return list(
        Publication.objects.filter(newsletters__in=active)
        .distinct()
        .order_by("name")
        .prefetch_related(Prefetch("newsletters", queryset=active, to_attr="active"))
    )


def find_newsletter(slug: str) -> Newsletter | None:
    """Return the newsletter whose archive is public, or None."""
    public = Newsletter.objects.public().select_related("publication")
    return public.filter(slug=slug).first()


def public_issues(newsletter: Newsletter) -> QuerySet[Issue]:
    """Return a newsletter's public issues, the latest first.

    Daily and weekly issues are not among them: they repeat what these contain.
    """
    return all_public_issues().filter(newsletter=newsletter).order_by("-slot")


def all_public_issues() -> QuerySet[Issue]:
    """Return the public issues of every public newsletter; none that went to some subscribers."""
    return _issues_that_left().filter(
        Issue.FOR_EVERYONE, newsletter__in=Newsletter.objects.public(), cadence=Cadence.EVERY
    )


def set_access(issue: Issue, access: str) -> None:
    """Say who may read an issue in the archive, "": whoever may read its newsletter's.

    Raises IssueError for an unknown access, and without a password that the newsletter has.
    """
    if access and access not in ArchiveAccess.values:
        raise IssueError(f"{access!r} is not one of {', '.join(ArchiveAccess.values)}.")
    if access == ArchiveAccess.PASSWORD and not issue.newsletter.archive_password:
        raise IssueError(
            "The archive of this newsletter has no password yet. Set one on the newsletter's page."
        )
    issue.archive_access = access
    issue.save(update_fields=["archive_access"])


def teased_stories(issue: Issue) -> list[Story]:
    """Return the first stories of an issue, for those who may not read all of it."""
    return list(_visible_stories().filter(pk__in=stories_for_everyone(issue))[:TEASED_STORIES])


def latest_issues(publication: Publication) -> dict[int, Issue]:
    """Return the latest public issue of each newsletter of a publication, by newsletter id."""
    issues = all_public_issues().filter(newsletter__publication=publication)
    latest = issues.order_by("newsletter", "-slot").distinct("newsletter")
    return {issue.newsletter_id: issue for issue in latest}


def find_issue(newsletter: Newsletter, key: str) -> Issue | None:
    """Return the public issue with this key (`20261123T070000Z`), or None."""
    try:
        slot = datetime.strptime(key, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    # A slot may carry a fraction of a second, which the key leaves out.
    end = slot.replace(microsecond=999_999)
    issue = public_issues(newsletter).filter(slot__gte=slot, slot__lte=end).first()
    return issue if issue and issue.key == key else None


def with_stories(issues: QuerySet[Issue]) -> QuerySet[Issue]:
    """Read issues with the stories that everybody may see of them, in their order."""
    return issues.prefetch_related(
        Prefetch("stories", queryset=_visible_stories(), to_attr="shown_stories")
    )


def shown_stories(issue: Issue) -> list[Story]:
    """Return the stories of an issue that everybody may see, in their order."""
    return list(_visible_stories().filter(issue=issue))


def _visible_stories() -> QuerySet[Story]:
    """Return what lists, feeds and previews show: nothing for a segment, nothing in email only."""
    stories = Story.objects.filter(_ON_PAGE, retracted_at=None, block__segment=None)
    return stories.select_related("picture")


def picture_of(story: Story) -> str:
    """Return the address of a story's picture, in the size of a lead where we host it; or ""."""
    picture = story_picture(story, Size.LEAD, story.image_alt)
    return picture.url if picture else ""


def cover_of(stories: Iterable[Story]) -> str:
    """Return the address of the first picture among the stories of an issue, or ""."""
    return next(filter(None, map(picture_of, stories)), "")


def find_linked_issue(token: str) -> Issue | None:
    """Return the issue that the link of a mail shows; None if it has not gone out.

    Raises LinkError for a token that is not one of ours, LinkGoneError if its issue is gone.
    """
    link = links.read_issue_token(token)
    issues = Issue.objects.select_related("newsletter__publication")
    issue = issues.filter(pk=link.ids[0]).first()
    if issue is None:
        raise LinkGoneError(links.OUTDATED)
    link.require(issue)
    return issue if _issues_that_left().filter(pk=issue.pk).exists() else None


def _issues_that_left() -> QuerySet[Issue]:
    return Issue.objects.filter(state__in=_PUBLIC, planned_at__isnull=False)


def render_issue(issue: Issue) -> str:
    """Return an issue as it was sent, as HTML; a note stands in place of a retracted story.

    Its links lead on without being counted: whoever reads it here is not known to have the mail.
    """
    compiled = compiled_for(issue)
    retracted = list(issue.stories.exclude(retracted_at=None).order_by("position"))
    if not retracted:
        return compiled.html(click=_CLICK)
    on_page = set(issue.stories.filter(_ON_PAGE).values_list("pk", flat=True))
    remaining = issue.stories.filter(retracted_at=None).exclude(position__in=compiled.dropped)
    positions = remaining.values_list("position", flat=True)
    keys = [*positions, *(block.key for block in issue.blocks.all())]
    html = compiled.html(keys, click=_CLICK)
    label = escape(_("Retracted:"))
    notes = "".join(
        f'<p style="{_NOTE}"><b>{label}</b> {escape(story.title)}. {escape(story.retraction)}</p>'
        for story in retracted
        if story.pk in on_page
    )
    body, end, rest = html.rpartition("</body>")
    return f"{body}{notes}{end}{rest}"
