"""What an editor chooses of the look of mails: a publication's theme, a newsletter's design."""

from django.db.models import TextChoices


class Background(TextChoices):
    """What lies behind and under the text."""

    WARM = "warm", "Warm paper"
    WHITE = "white"
    COOL = "cool", "Cool grey"
    TINTED = "tinted", "Tinted with the colour"


class Fonts(TextChoices):
    """Fonts that mail programs have: of headlines and text."""

    CLASSIC = "classic", "Georgia and the system's font"
    MODERN = "modern", "The system's font"
    BOOK = "book", "Palatino and the system's font"
    CLEAR = "clear", "Verdana"
    PLAIN = "plain", "Arial"


class Corner(TextChoices):
    """The corners of pictures, boxes and buttons."""

    SOFT = "soft"
    SQUARE = "square"
    ROUND = "round"


class Density(TextChoices):
    """How far apart things stand."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class Design(TextChoices):
    """How the stories of a newsletter are laid out."""

    PICTURE = "picture", "Picture lead"
    BRIEFING = "briefing", "Briefing"
    COMPACT = "compact", "Digest"


class TopicLinks(TextChoices):
    """Where a mail lets subscribers ask for more or less of a topic."""

    NONE = "none", "Nowhere"
    STORIES = "stories", "Under each story of a topic"
    END = "end", "At the end, for each topic of the issue"
