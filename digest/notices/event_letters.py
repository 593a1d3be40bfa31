"""The letters that tell the newsroom what happened: to issues, a source, or a webhook."""

from collections.abc import Callable, Sequence

from django.utils.translation import gettext as _

from digest.accounts.topics import NewsroomEvent
from digest.core import languages
from digest.rendering.cleaned import shortened
from digest.rendering.notice import Letter

CONSOLE = "console"  # the slot of the button's link
LONGEST = 300  # characters of a reason


def of_issues(
    event: NewsroomEvent, newsletter: str, issues: Sequence[tuple[str, str]], language: str
) -> Letter:
    """Notify an editor of issues of a newsletter: each a line, and why, which may be empty."""
    with languages.override(language) as tag:
        subject, heading, advice = _ISSUES[event](newsletter)
        return Letter(
            language=tag,
            subject=subject,
            heading=heading,
            paragraphs=tuple(
                f"{line}: {shortened(reason, LONGEST)}" if reason else line
                for line, reason in issues
            ),
            button=(_("Open in the console"), CONSOLE),
            after=(advice, _choice()),
        )


def of_source(source: str, reason: str, language: str) -> Letter:
    """Notify an editor that a source was switched off."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("A source was switched off: %(source)s") % {"source": shortened(source, 100)},
            heading=_("A source was switched off"),
            paragraphs=(source, shortened(reason, LONGEST)),
            button=(_("Open in the console"), CONSOLE),
            after=(
                _("Its articles are missing in new issues until you switch it on again."),
                _choice(),
            ),
        )


def of_webhook(name: str, language: str) -> Letter:
    """Notify an owner that a webhook was disabled."""
    with languages.override(language) as tag:
        return Letter(
            language=tag,
            subject=_("A webhook was disabled: %(webhook)s") % {"webhook": name},
            heading=_("A webhook was disabled"),
            paragraphs=(name,),
            button=(_("Open in the console"), CONSOLE),
            after=(
                _(
                    "Its calls failed. Events are not sent to it, not even later, until you "
                    "enable it again."
                ),
                _choice(),
            ),
        )


def _waiting(newsletter: str) -> tuple[str, str, str]:
    return (
        _("%(newsletter)s waits for approval") % {"newsletter": newsletter},
        _("An issue waits for approval"),
        _("It is not sent before somebody has approved it."),
    )


def _skipped(newsletter: str) -> tuple[str, str, str]:
    return (
        _("%(newsletter)s: an issue was skipped") % {"newsletter": newsletter},
        _("An issue was skipped"),
        _("If it should be sent after all, restore it."),
    )


def _failed(newsletter: str) -> tuple[str, str, str]:
    return (
        _("%(newsletter)s: an issue cannot be sent") % {"newsletter": newsletter},
        _("An issue is paused"),
        _("Correct what is wrong, then resume it."),
    )


_ISSUES: dict[NewsroomEvent, Callable[[str], tuple[str, str, str]]] = {
    NewsroomEvent.WAITING: _waiting,
    NewsroomEvent.SKIPPED: _skipped,
    NewsroomEvent.FAILED: _failed,
}


def _choice() -> str:
    return _("Under “Notifications” in the console you choose which of these emails you receive.")
