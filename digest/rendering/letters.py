"""What each kind of notice says, in the subscriber's language; no word was typed by a stranger."""

from collections.abc import Sequence

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from digest.core import languages
from digest.issues.models import Story
from digest.newsletters.models import Newsletter, Publication
from digest.rendering.content import shortened, story_url
from digest.rendering.notice import Letter, Teaser

CONFIRM, BY_MAIL, PREFERENCES = "confirm", "by_mail", "preferences"
UNSUBSCRIBE, SUBSCRIBE = "unsubscribe", "subscribe"
STORIES = 8  # of the latest issue in a welcome


def confirm(
    newsletters: Sequence[Newsletter],
    publication: Publication,
    language: str,
    *,
    by_mail: bool = False,
) -> Letter:
    """Ask whoever reads the mailbox whether they want these newsletters."""
    with languages.spoken(language) as tag:
        names = listed(newsletters)
        return Letter(
            language=tag,
            subject=_("Please confirm: %(newsletters)s") % {"newsletters": names},
            heading=_("One more press, and you are in"),
            paragraphs=(
                _(
                    "Somebody, we hope you, asked for %(newsletters)s from %(publication)s for "
                    "this address."
                )
                % {"newsletters": names, "publication": publication.name},
            ),
            button=(_("Yes, I want it"), CONFIRM),
            links=((_("Confirm by mail instead"), BY_MAIL),) if by_mail else (),
            after=(
                _("The link leads to a page with one button, and works for seven days."),
                _(
                    "It was not you? Then do nothing: without your word nothing will be sent to "
                    "you."
                ),
            ),
        )


def welcome(
    newsletters: Sequence[Newsletter], language: str, stories: Sequence[Story] = ()
) -> Letter:
    """Greet a new subscriber, with the latest stories if there are any to show."""
    with languages.spoken(language) as tag:
        names = listed(newsletters)
        return Letter(
            language=tag,
            subject=_("Welcome to %(newsletters)s") % {"newsletters": names},
            heading=_("Good to have you"),
            paragraphs=(
                _("You will receive %(newsletters)s from now on.") % {"newsletters": names},
                _(
                    "Topics, how often, a pause, another address: all of that is yours to "
                    "choose, whenever you like."
                ),
            ),
            button=(_("Choose what you get"), PREFERENCES),
            links=((_("Unsubscribe"), UNSUBSCRIBE),),
            stories_heading=_("From the latest issue") if stories else "",
            stories=tuple(_teaser(story) for story in stories[:STORIES]),
        )


def preferences_link(publication: Publication, language: str) -> Letter:
    """Bring the link to the preferences to the address that they are about."""
    with languages.spoken(language) as tag:
        return Letter(
            language=tag,
            subject=_("Your link to %(publication)s") % {"publication": publication.name},
            heading=_("Here is your link"),
            paragraphs=(
                _(
                    "You receive mail from %(publication)s already. With this link you can see "
                    "and change everything about it."
                )
                % {"publication": publication.name},
            ),
            button=(_("Open my preferences"), PREFERENCES),
            after=(
                _(
                    "For a day it also lets you change your address, download what is known of "
                    "you, or have it erased."
                ),
                _("You did not ask for it? Then do nothing; nothing has changed."),
            ),
        )


def change(publication: Publication, language: str) -> Letter:
    """Ask the new address whether it wants the old one's mail."""
    with languages.spoken(language) as tag:
        return Letter(
            language=tag,
            subject=_("Please confirm your new address for %(publication)s")
            % {"publication": publication.name},
            heading=_("Is this your new address?"),
            paragraphs=(
                _("A subscriber of %(publication)s wants to receive its mail here from now on.")
                % {"publication": publication.name},
            ),
            button=(_("Yes, send it here"), CONFIRM),
            after=(
                _("The link leads to a page with one button, and works for a day."),
                _(
                    "It was not you? Then do nothing: without your word nothing will be sent to "
                    "you."
                ),
            ),
        )


def changed(publication: Publication, language: str) -> Letter:
    """Tell the old address that mail goes elsewhere now."""
    with languages.spoken(language) as tag:
        return Letter(
            language=tag,
            subject=_("Your address for %(publication)s was changed")
            % {"publication": publication.name},
            heading=_("Your address was changed"),
            paragraphs=(
                _(
                    "Mail from %(publication)s goes to another address from now on; the change "
                    "was confirmed there."
                )
                % {"publication": publication.name},
                _(
                    "It was not you? Then press the button within seven days, and it comes here "
                    "again."
                ),
            ),
            button=(_("Undo the change"), CONFIRM),
        )


def left(newsletter: Newsletter, language: str) -> Letter:
    """Acknowledge that a subscriber has left by mail."""
    with languages.spoken(language) as tag:
        return Letter(
            language=tag,
            subject=_("You have left %(newsletter)s") % {"newsletter": newsletter.name},
            heading=_("You are unsubscribed"),
            paragraphs=(
                _("You will not receive %(newsletter)s any more. Thank you for having read it.")
                % {"newsletter": newsletter.name},
            ),
            button=(_("Choose what you get"), PREFERENCES),
        )


def helping(
    newsletters: Sequence[Newsletter], publication: Publication, domain: str, language: str
) -> Letter:
    """Say which addresses there are and what each does."""
    with languages.spoken(language) as tag:
        addresses = tuple(
            _("To receive %(newsletter)s, write to %(address)s.")
            % {"newsletter": one.name, "address": f"subscribe+{one.slug}@{domain}"}
            for one in newsletters
        )
        return Letter(
            language=tag,
            subject=_("Newsletters from %(publication)s, by mail")
            % {"publication": publication.name},
            heading=_("What you can do by mail"),
            paragraphs=(
                *addresses,
                _(
                    "We answer with a mail that asks you to confirm; what you write in yours "
                    "does not matter."
                ),
                _(
                    "To leave, use the Unsubscribe button of your mail program, or the link at "
                    "the foot of any issue."
                ),
            ),
            button=(_("Subscribe on a page instead"), SUBSCRIBE) if newsletters else None,
        )


def invitation(publication: str, by: str, role: str) -> Letter:
    """Ask somebody to join the console; it speaks English, and so do letters about it."""
    return Letter(
        language="en",
        subject=f"Join {publication} on Digest",
        heading=f"{by} asks you to join",
        paragraphs=(
            f"You are to be {role} of {publication}'s newsletters.",
            "The link works once, for a week.",
        ),
        button=("Accept", CONFIRM),
        after=("If you don't know what this is about, overlook it: nothing happens.",),
    )


def reset() -> Letter:
    """Bring the link that sets a new password."""
    return Letter(
        language="en",
        subject="Set a new password",
        heading="Set a new password",
        paragraphs=("Somebody, we hope you, asked to set a new password for your Digest account.",),
        button=("Set a new password", CONFIRM),
        after=("If it was not you, overlook this mail: your password stays as it is.",),
    )


def account_changed(what: str, at: str, ip: str) -> Letter:
    """Tell somebody that their account was changed, in case it was not they who did it."""
    place = f", from the address {ip}" if ip else ""
    return Letter(
        language="en",
        subject="Your Digest account was changed",
        heading=what,
        paragraphs=(f"This happened on {at}{place}.",),
        after=("If it was not you, set a new password at once and tell an owner.",),
    )


def paused(domain: str, relay: str, until: str, words: str, language: str) -> Letter:
    """Tell an editor that a domain refuses our mail, in the words of its server."""
    with languages.spoken(language) as tag:
        return Letter(
            language=tag,
            subject=_("%(domain)s refuses our mail") % {"domain": domain},
            heading=_("Sending to %(domain)s is paused") % {"domain": domain},
            paragraphs=(
                _(
                    "Its servers refuse what comes through the relay %(relay)s, for reasons that "
                    "are not the subscribers'. Those subscribers wait until %(until)s, then it is tried "
                    "again; nobody is lost."
                )
                % {"relay": relay, "until": until},
                _("The server's words: %(words)s") % {"words": shortened(words, 300)},
            ),
            after=(
                _(
                    "What helps: SPF, DKIM and DMARC that pass, a slower start, fewer complaints. "
                    "To try at once: digest relay resume %(relay)s %(domain)s"
                )
                % {"relay": relay, "domain": domain},
            ),
        )


def listed(newsletters: Sequence[Newsletter]) -> str:
    """Return the names of newsletters in a row, in the present language."""
    return get_text_list([newsletter.name for newsletter in newsletters], _("and"))


def _teaser(story: Story) -> Teaser:
    return Teaser(
        shortened(story.title, 200), story_url(story.issue, story), shortened(story.summary, 240)
    )
