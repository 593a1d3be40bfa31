"""The pictures of an issue: fetched for its stories where the publication hosts them.

A story without a picture of ours, or whose picture is not there in time, shows the one at the
address that its article names.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db.models import Exists, OuterRef

from digest.core.links import Page
from digest.core.text import web_url
from digest.core.uuids import as_uuid
from digest.issues.errors import IssueError
from digest.issues.models import Issue, Story
from digest.newsletters.blocks import picture_uuids
from digest.pictures import fetching
from digest.pictures.models import Picture

PATIENCE = timedelta(seconds=30)  # that an issue waits for a picture, from when it is asked for


def assign(issue: Issue, stories: Sequence[Story], now: datetime) -> None:
    """Give stories their pictures, unsaved; those that we do not have yet become due."""
    publication = issue.newsletter.publication
    urls = [_address(story) if publication.host_pictures else "" for story in stories]
    pictures = fetching.request(publication.pk, urls, now) if any(urls) else {}
    for story, url in zip(stories, urls, strict=True):
        story.picture = pictures.get(url)


def from_library(issue: Issue, uuid: str) -> Picture:
    """Return a ready picture of the publication's library. Raises IssueError for any other."""
    rows = Picture.ready().filter(publication_id=issue.newsletter.publication_id)
    key = as_uuid(uuid)
    if key and (picture := rows.filter(uuid=key).first()):
        return picture
    raise IssueError("The picture is not in this publication's library. Choose another one.")


def is_chosen(story: Story) -> bool:
    """Say whether an editor chose a story's picture, so that it is not the one at its address."""
    url = story.picture.source_url if story.picture else ""
    return story.picture is not None and (not url or url != _address(story))


def waits_for_picture(now: datetime) -> Exists:
    """Return a condition on issues: a picture is due that was asked for a moment ago."""
    stories = Story.objects.filter(
        issue=OuterRef("pk"),
        picture__state=Picture.State.DUE,
        picture__created_at__gt=now - PATIENCE,
        retracted_at=None,
        block__hidden=False,
    )
    return Exists(stories)


def fingerprint(issue: Issue) -> str:
    """Return a hash of what the issue's pictures are now: there or not, and their crops."""
    of_stories = issue.stories.exclude(picture=None).values_list("picture", flat=True)
    uuids = {uuid for block in issue.blocks.all() for uuid in picture_uuids(block.content)}
    columns = ("uuid", "state", "sha256", "focal_x", "focal_y")
    own, library = Picture.objects.filter(pk__in=of_stories), Picture.objects.none()
    if uuids:
        library = Picture.objects.filter(uuid__in=uuids)
    rows = sorted(map(str, {*own.values_list(*columns), *library.values_list(*columns)}))
    return sha256(json.dumps(rows).encode()).hexdigest()


def _address(story: Story) -> str:
    """Return where a story's picture is fetched from; blank for none, and for one of ours."""
    url = web_url(story.image_url)
    own = (Page.PICTURE.beginning, settings.DIGEST_PICTURES_URL or "\n")
    return "" if url.startswith(own) else url
