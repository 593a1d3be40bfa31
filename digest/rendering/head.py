"""The header fields of an issue's mails."""

from digest.newsletters.models import Newsletter
from digest.rendering import mime
from digest.rendering.compiled import Cut
from digest.rendering.links import archive_url, language_of


def head_cuts(newsletter: Newsletter, boundary: str) -> tuple[Cut, ...]:
    """Return the head; the fields that differ between subscribers are slots.

    Precedence is not a standard, but old out-of-office programs obey nothing else; the others obey
    Auto-Submitted (RFC 3834 §5), Exchange X-Auto-Response-Suppress. Gmail groups complaints by
    Feedback-ID. Raises RenderingError for an invalid sender or list id.
    """
    publication = newsletter.publication
    sender = mime.mailbox_field("From", publication.sender_name, publication.sender_email)
    reply_to = publication.reply_to and mime.mailbox_field("Reply-To", "", publication.reply_to)
    archive = archive_url(newsletter)
    list_fields = [
        mime.list_id_field(newsletter.name, newsletter.list_id),
        mime.ONE_CLICK,
        mime.url_field("List-Archive", archive) if archive else b"",
        b"Auto-Submitted: auto-generated\r\n",
        b"Precedence: bulk\r\n",
        b"X-Auto-Response-Suppress: OOF, AutoReply\r\n",
        mime.feedback_id_field(newsletter.slug, publication.slug),
        mime.language_field(language_of(newsletter)),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii"),
    ]
    return (
        Cut(sender, "to"),
        Cut(reply_to or b"", "subject"),
        Cut(b"", "date"),
        Cut(b"", "message_id"),
        Cut(b"", "list_unsubscribe"),
        Cut(b"".join(list_fields)),
    )
