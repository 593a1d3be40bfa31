"""The letters that warn editors of servers that refuse their mail, or take it worse than before."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from digest.core import languages
from digest.newsletters.models import Newsletter
from digest.rendering.cleaned import shortened
from digest.rendering.directions import isolate_address
from digest.rendering.letters import DELIVERABILITY
from digest.rendering.notice import Letter


def domain_paused(domain: str, relay: str, until: str, reply: str, language: str) -> Letter:
    """Notify an editor that the servers of a domain refuse our mail; the reply may be empty."""
    with languages.override(language) as tag:
        response = _("Response of the server: %(reply)s") % {"reply": shortened(reply, 300)}
        return Letter(
            language=tag,
            subject=_("%(domain)s refuses our emails") % {"domain": domain},
            heading=_("Sending to %(domain)s is paused") % {"domain": domain},
            paragraphs=(
                _(
                    "The servers of %(domain)s refuse emails from the mail server %(relay)s, for "
                    "reasons that do not concern individual subscribers. Sending resumes at "
                    "%(until)s. No emails are lost."
                )
                % {"domain": domain, "relay": relay, "until": until},
                *([response] if reply else []),
            ),
            after=(
                _(
                    "Check that SPF, DKIM and DMARC pass, send more slowly, and reduce "
                    "complaints. To resume now: digest relay resume %(relay)s %(domain)s"
                )
                % {"relay": relay, "domain": domain},
            ),
        )


def drops_noticed(
    newsletter: Newsletter, drops: Sequence[Mapping[str, Any]], language: str
) -> Letter:
    """Notify an editor that mail to some destinations does far worse than it did before.

    A drop has `destination`, `kind` (delivery, complaints, clicks), `share` and `usual`, both from
    0 to 1.
    """
    with languages.override(language) as tag:
        names = get_text_list(
            list(dict.fromkeys(str(drop["destination"]) for drop in drops)), _("and")
        )
        return Letter(
            language=tag,
            subject=_("%(newsletter)s: problems at %(destinations)s")
            % {"newsletter": newsletter.name, "destinations": names},
            heading=_("Your emails do worse than usual at %(destinations)s")
            % {"destinations": names},
            paragraphs=tuple(_drop_sentence(drop, languages.direction(tag)) for drop in drops),
            button=(_("Open Deliverability"), DELIVERABILITY),
            after=(
                _(
                    "Compare with other providers, read what the servers reply, and check SPF, "
                    "DKIM and DMARC there. You will not receive this message again until it has "
                    "improved."
                ),
            ),
        )


def _drop_sentence(drop: Mapping[str, Any], base: str) -> str:
    values = {
        "destination": isolate_address(str(drop["destination"]), base),
        "share": f"{drop['share'] * 100:.1f}",
        "usual": f"{drop['usual'] * 100:.1f}",
    }
    if drop["kind"] == "complaints":
        return (
            _(
                "%(destination)s: %(share)s%% of the emails were reported as spam, usually "
                "%(usual)s%%."
            )
            % values
        )
    if drop["kind"] == "clicks":
        return (
            _("%(destination)s: %(share)s%% of the recipients clicked, usually %(usual)s%%.")
            % values
        )
    return (
        _(
            "%(destination)s: %(share)s%% of the emails were refused or deferred, usually "
            "%(usual)s%%."
        )
        % values
    )
