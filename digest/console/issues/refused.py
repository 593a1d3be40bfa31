"""What was typed into a form of an issue's page and refused, shown once more on the next page."""

from dataclasses import dataclass, field

from django.http import HttpRequest

from digest.issues.experiments.variants import MOST_VARIANTS

_KEY = "refused_form"
_LONGEST = 500  # characters of a value
_NUMBERS = range(1, MOST_VARIANTS + 1)
_FIELDS = {
    "test": ("to",),
    "save_experiment": (
        *("kind", "share", "minutes"),
        *(f"{name}-{number}" for name in ("subject", "lead") for number in _NUMBERS),
    ),
}


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """A form that was refused: its verb, the reason, and its fields; all empty for none."""

    verb: str = ""
    problem: str = ""
    values: dict[str, str] = field(default_factory=dict)


NOTHING = RefusedForm()


def keep(request: HttpRequest, issue_id: int, verb: str, problem: Exception) -> None:
    """Keep the fields of a form in the session until the issue's page is shown."""
    if verb in _FIELDS:
        values = {name: request.POST.get(name, "")[:_LONGEST] for name in _FIELDS[verb]}
        request.session[_KEY] = [issue_id, verb, str(problem), values]


def take(request: HttpRequest, issue_id: int) -> RefusedForm:
    """Return the form of this issue that was refused last, and forget it."""
    stored = request.session.get(_KEY)
    if not stored or stored[0] != issue_id:
        return NOTHING
    del request.session[_KEY]
    return RefusedForm(*stored[1:])
