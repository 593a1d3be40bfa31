"""The numbers of issues as plain values, for JSON: the API, webhooks and the command line. Pure."""

from digest.analytics.statistics.totals import Numbers

NUMBERS = (
    "delivered",
    "clickers",
    "click_rate",
    "clicks",
    "filtered_clicks",
    "uncertain_clicks",
    "opens",
    "uncertain_opens",
    "unsubscribes",
    "unsubscribe_rate",
    "bounces",
    "bounce_rate",
    "complaints",
    "complaint_rate",
)


def number_values(numbers: Numbers) -> dict[str, int | float | None]:
    """Return numbers by their names; rates are shares from 0 to 1, None where there is none."""
    return {name: getattr(numbers, _ATTRIBUTES.get(name, name)) for name in NUMBERS}


_ATTRIBUTES = {"filtered_clicks": "filtered"}
