"""What an editor chooses of the look of mails: a publication's theme, a newsletter's design."""

from django.db import models


class Background(models.TextChoices):
    """What lies behind and under the text."""

    WARM = "warm", "Warm paper"
    WHITE = "white", "White"
    COOL = "cool", "Cool grey"
    TINTED = "tinted", "Tinted with the colour"


class Fonts(models.TextChoices):
    """Fonts that mail programs have: of headlines and text."""

    CLASSIC = "classic", "Georgia and the system's font"
    MODERN = "modern", "The system's font"
    BOOK = "book", "Palatino and the system's font"
    CLEAR = "clear", "Verdana"
    PLAIN = "plain", "Arial"


class Corner(models.TextChoices):
    """The corners of pictures, boxes and buttons."""

    SOFT = "soft", "Soft"
    SQUARE = "square", "Square"
    ROUND = "round", "Round"


class Density(models.TextChoices):
    """How far apart things stand."""

    COMFORTABLE = "comfortable", "Comfortable"
    COMPACT = "compact", "Compact"


class Design(models.TextChoices):
    """How the stories of a newsletter are laid out."""

    PICTURE = "picture", "Picture lead"
    BRIEFING = "briefing", "Briefing"
    COMPACT = "compact", "Digest"


class TopicLinks(models.TextChoices):
    """Where a mail lets subscribers ask for more or less of a topic."""

    NONE = "none", "Nowhere"
    STORIES = "stories", "Under each story of a topic"
    END = "end", "At the end, for each topic of the issue"
