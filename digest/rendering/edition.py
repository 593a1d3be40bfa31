"""From an edition to its compiled form."""

from collections.abc import Sequence

from digest.editions.models import Edition, Story
from digest.newsletters.models import Appeal
from digest.rendering.compiled import Compiled


def compile_edition(
    edition: Edition, stories: Sequence[Story], appeal: Appeal | None = None
) -> Compiled:
    """Render, inline and encode an edition once, for all its readers.

    Neither the edition nor its stories need be saved. Raises RenderingError, saying what an editor
    has to mend.
    """
    raise NotImplementedError
