"""Where a picture is used."""

from collections.abc import Iterator

from django.db.models import Q

from digest.issues.models import Block
from digest.newsletters.models import Appeal, LayoutBlock
from digest.pictures.models import Picture


def uses_of(picture: Picture) -> list[str]:
    """Return the names of what shows a picture; empty: it can be deleted."""
    return sorted({*_issues(picture), *_layouts(picture), *_appeals(picture)})


def _issues(picture: Picture) -> Iterator[str]:
    named = Block.objects.filter(
        _in_content(picture), issue__newsletter__publication_id=picture.publication_id
    )
    for block in named.select_related("issue__newsletter"):
        yield str(block.issue)
    for story in picture.stories.select_related("issue__newsletter"):
        yield str(story.issue)


def _layouts(picture: Picture) -> Iterator[str]:
    rows = LayoutBlock.objects.filter(
        _in_content(picture), newsletter__publication_id=picture.publication_id
    )
    for row in rows.select_related("newsletter"):
        yield f"the layout of {row.newsletter}"


def _appeals(picture: Picture) -> Iterator[str]:
    condition = Q(picture=picture.uuid) | Q(picture_dark=picture.uuid)
    for appeal in Appeal.objects.filter(condition, publication_id=picture.publication_id):
        yield f"the {appeal.get_kind_display().lower()} “{appeal}”"


def _in_content(picture: Picture) -> Q:
    """Return a condition on blocks: they name the picture, in rich text too."""
    return Q(content__icontains=str(picture.uuid))
