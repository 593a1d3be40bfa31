"""What an editor chooses from: blocks, looks of mails, policies for when things go wrong."""

from django.db.models import TextChoices


class BlockKind(TextChoices):
    """What a block of an issue shows."""

    NOTE = "note", "Editor's note"
    LEAD = "lead", "Lead story"
    LATEST = "latest", "Latest stories"
    TOPIC = "topic", "Stories by topic"
    POPULAR = "popular", "Popular articles"
    DEEP = "deep", "Deeply read"
    PICKED = "picked", "Picked stories"
    APPEAL = "appeal"
    SPONSOR = "sponsor"
    TEXT = "text"
    IMAGE = "image"
    LINK = "link", "Link card"
    DIVIDER = "divider"
    FEEDBACK = "feedback", "Feedback question"
    MEDIA = "media", "Podcast or video"


# Filled by a rule of the layout.
RULED_KINDS = frozenset([BlockKind.LATEST, BlockKind.TOPIC, BlockKind.POPULAR, BlockKind.DEEP])
STORY_KINDS = RULED_KINDS | {BlockKind.LEAD, BlockKind.PICKED}
MESSAGE_KINDS = frozenset([BlockKind.APPEAL, BlockKind.SPONSOR])


class BlockStyle(TextChoices):
    """How the stories of a block are laid out."""

    STANDARD = "", "As in the design"
    BRIEF = "brief", "Brief list without pictures"


class ShownIn(TextChoices):
    """Where a block is shown."""

    BOTH = "both", "Email and web"
    MAIL = "mail", "Email only"
    WEB = "web", "Web only"


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
