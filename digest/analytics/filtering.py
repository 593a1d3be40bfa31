"""Why hits of an issue were filtered, or not counted: how many by verdict, and by reason."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from digest.analytics.models import Hit, Verdict
from digest.analytics.verdicts.reasons import EXPLANATIONS, Reason


@dataclass(frozen=True, slots=True)
class Filtering:
    """The judged hits of an issue that are kept: clicks, opens and hidden links."""

    verdicts: dict[Verdict, int]
    reasons: list[tuple[Reason, int]]  # most hits first; a hit may have several


def count_reasons(issue_id: int) -> Filtering:
    """Count the judged hits of an issue that are kept, by verdict and by reason."""
    judged = Hit.objects.filter(issue_id=issue_id, verdict__isnull=False).order_by()
    verdicts, reasons = dict.fromkeys(Verdict, 0), Counter[Reason]()
    for verdict, bits, number in judged.values_list("verdict", "reasons").annotate(Count("pk")):
        verdicts[Verdict(verdict)] += number
        for reason in EXPLANATIONS:
            if bits & reason:
                reasons[reason] += number
    return Filtering(verdicts, reasons.most_common())
