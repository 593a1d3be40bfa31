"""The services that people come from: what their exports do not say, and what stays behind.

Headings of lists and the states in them are those of `subscribers.importing.sources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """A service, for people."""

    name: str
    # What a person has to affirm before anybody in a list of it is added; none: its states say it.
    question: str = ""
    remarks: tuple[str, ...] = ()  # what stays behind, in sentences
    api: str = ""  # how its address is entered: an example, or where it always is
    key_hint: str = ""  # where its key is found


OTHER = Service("Another service")
SERVICES: Mapping[str, Service] = {
    "mailchimp": Service(
        "Mailchimp",
        remarks=(
            "Templates, automations, forms, and who opened or clicked what stay at Mailchimp.",
        ),
    ),
    "substack": Service(
        "Substack",
        remarks=(
            "Paid subscriptions stay at Substack and Stripe; their readers come as subscribers.",
            "Comments, notes, chats and recommendations stay at Substack.",
        ),
    ),
    "ghost": Service(
        "Ghost",
        question="Everybody in this list subscribed to this newsletter. (If your site has several "
        "newsletters, filter its members by one before you export them.)",
        remarks=(
            "Paid subscriptions stay at Ghost and Stripe; their readers come as subscribers.",
        ),
        api="https://your-site.example",
        key_hint="Settings > Integrations > Add custom integration: the Admin API key.",
    ),
    "listmonk": Service(
        "listmonk",
        question="I exported this list in listmonk for one mailing list, and only those who are "
        "confirmed there. (The file itself does not say who left.)",
        remarks=("Templates, bounces of single mails, views and clicks stay at listmonk.",),
        api="https://lists.your-site.example",
        key_hint="Admin > Users: a user of the type API, as NAME:TOKEN.",
    ),
    "buttondown": Service(
        "Buttondown",
        remarks=("Automations, surveys, and who opened or clicked what stay at Buttondown.",),
        api="https://api.buttondown.com",
        key_hint="Settings > API.",
    ),
    "beehiiv": Service(
        "beehiiv",
        remarks=("Paid subscriptions, referrals, automations and statistics stay at beehiiv.",),
        api="https://api.beehiiv.com",
        key_hint="Settings > API, as PUBLICATION:KEY, in which PUBLICATION begins with pub_.",
    ),
    "mailpoet": Service(
        "MailPoet",
        remarks=(
            "Past issues stay in WordPress: MailPoet has no export of them.",
            "Forms, automations and statistics stay at MailPoet.",
        ),
    ),
}
WITH_API = tuple(key for key, service in SERVICES.items() if service.api)


def service_of(key: str) -> Service:
    """Return a service by its key; one without a name of ours where there is none."""
    return SERVICES.get(key, OTHER)
