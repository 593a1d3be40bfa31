"""Pictures as mails show them: with the width and height that are written into <img>."""

from dataclasses import dataclass
from uuid import UUID

from digest.issues.models import Story
from digest.pictures.models import Picture as LibraryPicture
from digest.pictures.renditions import rendition_of
from digest.pictures.sizes import MIN_SIDE, Size
from digest.rendering.cleaned import line, mail_url


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a mail."""

    url: str
    width: int  # CSS px
    height: int  # CSS px; 0 where it is not known
    alt: str = ""  # empty: it is decoration


def story_picture(story: Story, size: Size, alt: str) -> Picture | None:
    """Return a story's picture in a size: ours where it is ready, else the one that it links to.

    None without one, and where ours was refused: it is missing, not a picture, or too small.
    """
    picture = story.picture
    if picture and picture.is_ready:
        return Picture(*rendition_of(picture, size), alt=alt)
    if picture and picture.state == LibraryPicture.State.REFUSED:
        return None
    url = mail_url(story.image_url)
    return Picture(url, size.width, 0, alt) if url else None


def library_picture(
    publication_id: int, uuid: str, size: Size, alt: str = "", *, width: int = 0
) -> Picture | None:
    """Return a ready picture of a publication's library; None where there is none.

    `alt` stands before what the library has. `width`, in CSS px, is that of a narrower place.
    """
    ready = LibraryPicture.objects.filter(state=LibraryPicture.State.READY)
    try:
        picture = ready.filter(publication_id=publication_id, uuid=UUID(uuid)).first()
    except ValueError:  # stored before pictures were checked
        return None
    if picture is None:
        return None
    url, own_width, height = rendition_of(picture, size)
    css_width = min(own_width, width or own_width, max(picture.width, MIN_SIDE))
    css_height = round(height * css_width / own_width)
    return Picture(url, css_width, css_height, alt or line(picture.alt))
