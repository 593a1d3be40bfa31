"""What an editor chooses from: looks of mails, and policies for when things are not as planned."""

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
    BRIEFING = "briefing"
    COMPACT = "compact", "Digest"


class TopicLinks(TextChoices):
    """Where a mail lets subscribers ask for more or less of a topic."""

    NONE = "none", "Nowhere"
    STORIES = "stories", "Under each story of a topic"
    END = "end", "At the end, for each topic of the issue"


class Thin(TextChoices):
    """What happens to an issue with too few stories."""

    WIDEN = "widen", "Look further back"
    WAIT = "wait", "Keep the stories for the next issue"
    SKIP = "skip", "Skip this issue"


class CatchUp(TextChoices):
    """What happens to issues that were missed."""

    SEND_LATE = "send_late", "Send late, until the deadline"
    MERGE = "merge", "Put the stories into the next issue"
    SKIP = "skip", "Skip the issues that were missed"


class UncertainPolicy(TextChoices):
    """What happens to a delivery whose SMTP reply was lost."""

    RESEND = "resend", "Send again"
    HOLD = "hold", "Do not send again"


class Approval(TextChoices):
    """Who has to approve an issue before it is sent."""

    NONE = "none", "Send automatically"
    ANYONE = "one", "One person approves"
    OTHER = "other", "A second person approves"
