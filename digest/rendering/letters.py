"""The text of each kind of notice, in the subscriber's language.

Nothing in it was written by a stranger: names of newsletters and publications come from editors.
"""

from collections.abc import Collection, Iterator, Sequence

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from digest.core import languages
from digest.issues.models import Story
from digest.newsletters.models import Newsletter, Publication
from digest.newsletters.publicity.states import NewsletterState
from digest.rendering.cleaned import shortened
from digest.rendering.directions import isolate_address, isolate_name
from digest.rendering.links import teaser_url
from digest.rendering.notice import Letter, Teaser

CONFIRM, BY_MAIL, PREFERENCES = "confirm", "by_mail", "preferences"
UNSUBSCRIBE, SUBSCRIBE, DELIVERABILITY = "unsubscribe", "subscribe", "deliverability"
STORIES = 8  # of the latest issue in a welcome


def confirm(
    newsletters: Sequence[Newsletter],
    publication: Publication,
    language: str,
    *,
    by_mail: bool = False,
) -> Letter:
    """Ask the owner of the mailbox to confirm a subscription to these newsletters."""
    with languages.override(language) as tag:
        names = list_names(newsletters)
        return Letter(
            language=tag,
            subject=_("Confirm your subscription to %(newsletters)s") % {"newsletters": names},
            heading=_("Confirm your subscription"),
            paragraphs=(
                _(
                    "We received a request to send %(newsletters)s from %(publication)s to this "
                    "address."
                )
                % {
                    "newsletters": list_names(newsletters, languages.direction(tag)),
                    "publication": isolate_name(publication.name, languages.direction(tag)),
                },
            ),
            button=(_("Confirm subscription"), CONFIRM),
            links=((_("Confirm by email instead"), BY_MAIL),) if by_mail else (),
            after=(
                _("The link opens a page with one button and is valid for seven days."),
                _(
                    "If you did not request this, ignore this email. Nothing will be sent to you "
                    "without your confirmation."
                ),
            ),
        )


def welcome(
    newsletters: Sequence[Newsletter],
    language: str,
    stories: Sequence[Story] = (),
    waiting: Collection[int] = (),
) -> Letter:
    """Welcome a new subscriber, with the latest stories if there are any.

    `waiting` are the ids of those newsletters for members whose subscriber is not a member yet.
    """
    with languages.override(language) as tag:
        names = list_names(newsletters)
        return Letter(
            language=tag,
            subject=_("Welcome to %(newsletters)s") % {"newsletters": names},
            heading=_("You are subscribed"),
            paragraphs=(
                _("From now on, you will receive %(newsletters)s.")
                % {"newsletters": list_names(newsletters, languages.direction(tag))},
                *_conditions(newsletters, waiting, languages.direction(tag)),
                _(
                    "You can choose topics and frequency, pause emails or change your address at "
                    "any time."
                ),
            ),
            button=(_("Manage preferences"), PREFERENCES),
            links=((_("Unsubscribe"), UNSUBSCRIBE),),
            stories_heading=_("From the latest issue") if stories else "",
            stories=tuple(_teaser(story) for story in stories[:STORIES]),
        )


def _conditions(
    newsletters: Sequence[Newsletter], waiting: Collection[int], base: str
) -> Iterator[str]:
    """Yield what has to happen before newsletters come, where that is not simply the next slot."""
    for newsletter in newsletters:
        name = {"name": isolate_name(newsletter.name, base)}
        if newsletter.state == NewsletterState.ANNOUNCED:
            yield _("%(name)s has not begun yet: it comes from its first issue on.") % name
        if newsletter.state == NewsletterState.PAUSED:
            yield _("%(name)s is paused at the moment: it comes again once it continues.") % name
        if newsletter.pk in waiting:
            yield _("%(name)s is for members: it comes once you are a member.") % name


def preferences_link(publication: Publication, language: str) -> Letter:
    """Send a fresh link to the preferences to the subscriber's own address."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("Your link for %(publication)s") % {"publication": publication.name},
            heading=_("Your secure link"),
            paragraphs=(
                _(
                    "You already receive emails from %(publication)s. Use this link to view and "
                    "change your preferences."
                )
                % {"publication": isolate_name(publication.name, languages.direction(tag))},
            ),
            button=(_("Manage preferences"), PREFERENCES),
            after=(
                _(
                    "For one day, it also lets you change your email address, download your data "
                    "or delete it."
                ),
                _("If you did not request this, ignore this email. Nothing has changed."),
            ),
        )


def past_issues(newsletter: Newsletter, language: str) -> Letter:
    """Send a link to past issues, which only subscribers may read, to a subscriber's address."""
    with languages.override(language) as tag:
        name = isolate_name(newsletter.name, languages.direction(tag))
        return Letter(
            language=tag,
            subject=_("Read %(newsletter)s") % {"newsletter": newsletter.name},
            heading=_("Read the past issues"),
            paragraphs=(
                _("You receive %(newsletter)s, so you may read its past issues.")
                % {"newsletter": name},
            ),
            button=(_("Read"), CONFIRM),
            after=(
                _(
                    "The link is valid for one day, and opens the issues in that browser for 30 "
                    "days."
                ),
                _("If you did not request this, ignore this email. Nothing has changed."),
            ),
        )


def address_change(publication: Publication, language: str) -> Letter:
    """Ask the owner of the new address to confirm an address change."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("Confirm your new address for %(publication)s")
            % {"publication": publication.name},
            heading=_("Confirm your new address"),
            paragraphs=(
                _(
                    "A subscriber of %(publication)s asked to receive its newsletters at this "
                    "address from now on."
                )
                % {"publication": isolate_name(publication.name, languages.direction(tag))},
            ),
            button=(_("Confirm address"), CONFIRM),
            after=(
                _("The link opens a page with one button and is valid for one day."),
                _(
                    "If you did not request this, ignore this email. Nothing will be sent to you "
                    "without your confirmation."
                ),
            ),
        )


def address_changed(publication: Publication, language: str) -> Letter:
    """Notify the previous address of an address change, with a link to undo it."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("Your address for %(publication)s has been changed")
            % {"publication": publication.name},
            heading=_("Your address has been changed"),
            paragraphs=(
                _(
                    "Emails from %(publication)s are now sent to another address. The change was "
                    "confirmed there."
                )
                % {"publication": isolate_name(publication.name, languages.direction(tag))},
                _(
                    "If this was not you, undo the change within seven days, and emails will be "
                    "sent to this address again."
                ),
            ),
            button=(_("Undo change"), CONFIRM),
        )


def unsubscribed(newsletter: Newsletter, language: str) -> Letter:
    """Confirm to a subscriber that their request to unsubscribe by email was followed."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("You are unsubscribed from %(newsletter)s") % {"newsletter": newsletter.name},
            heading=_("You are unsubscribed"),
            paragraphs=(
                _("You will no longer receive %(name)s.")
                % {"name": isolate_name(newsletter.name, languages.direction(tag))},
                _("Thank you for reading."),
            ),
            button=(_("Manage preferences"), PREFERENCES),
        )


def question_to_stay(newsletter: Newsletter, language: str) -> Letter:
    """Ask a subscriber who shows no sign of life whether they want to go on."""
    with languages.override(language) as tag:
        name = isolate_name(newsletter.name, languages.direction(tag))
        return Letter(
            language=tag,
            subject=_("Do you still want to receive %(newsletter)s?")
            % {"newsletter": newsletter.name},
            heading=_("Do you want to stay?"),
            paragraphs=(
                _("We cannot tell whether you still read %(newsletter)s.") % {"newsletter": name},
            ),
            button=(_("Keep sending"), CONFIRM),
            links=((_("Unsubscribe"), UNSUBSCRIBE),),
            after=(
                _(
                    "If we do not hear from you within two weeks, we will pause it. The button "
                    "resumes it at any time."
                ),
            ),
        )


def email_commands(
    newsletters: Sequence[Newsletter], publication: Publication, domain: str, language: str
) -> Letter:
    """List the addresses that take subscriptions by email, and how to unsubscribe."""
    with languages.override(language) as tag:
        base = languages.direction(tag)
        addresses = tuple(
            _("To receive %(newsletter)s, send an email to %(address)s.")
            % {
                "newsletter": isolate_name(newsletter.name, base),
                "address": isolate_address(f"subscribe+{newsletter.slug}@{domain}", base),
            }
            for newsletter in newsletters
        )
        return Letter(
            language=tag,
            subject=_("Newsletters from %(publication)s by email")
            % {"publication": publication.name},
            heading=_("Subscribe by email"),
            paragraphs=(
                *addresses,
                _(
                    "We reply with an email that asks you to confirm. The text of your own email "
                    "does not matter."
                ),
                _(
                    "To unsubscribe, use the unsubscribe button of your mail program or the link "
                    "at the bottom of any issue."
                ),
            ),
            button=(_("Subscribe on the website"), SUBSCRIBE) if newsletters else None,
        )


def invitation(publication: str, inviter: str, role: str) -> Letter:
    """Invite somebody to the console; like the console itself, in English."""
    return Letter(
        language="en",
        subject=f"Join {publication} on Digest",
        heading=f"{inviter} invited you to join {publication}",
        paragraphs=(
            f"Your role for the newsletters of {publication} will be {role}.",
            "The link can be used once and is valid for one week.",
        ),
        button=("Accept invitation", CONFIRM),
        after=("If you did not expect this invitation, ignore this email.",),
    )


def password_reset() -> Letter:
    """Send the link that sets a new password."""
    return Letter(
        language="en",
        subject="Reset your password",
        heading="Reset your password",
        paragraphs=("We received a request to reset the password of your Digest account.",),
        button=("Reset password", CONFIRM),
        after=("If you did not request this, ignore this email. Your password stays the same.",),
    )


def account_changed(change: str, at: str, ip: str) -> Letter:
    """Notify a member of a change to their account, in case somebody else made it."""
    origin = f" from the IP address {ip}" if ip else ""
    return Letter(
        language="en",
        subject="Your Digest account was changed",
        heading=change,
        paragraphs=(f"The change was made on {at}{origin}.",),
        after=("If this was not you, reset your password now and contact an owner.",),
    )


def list_names(newsletters: Sequence[Newsletter], base: str = "") -> str:
    """Return the names of newsletters as a list in a sentence, in the active language.

    With a `base`, the direction of the sentence, names in the other one are isolated.
    """
    names = [newsletter.name for newsletter in newsletters]
    return get_text_list([isolate_name(name, base) if base else name for name in names], _("and"))


def _teaser(story: Story) -> Teaser:
    return Teaser(shortened(story.title, 200), teaser_url(story), shortened(story.summary, 240))
