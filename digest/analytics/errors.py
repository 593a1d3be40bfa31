"""What can go wrong with clicks and their totals."""

from digest.core.errors import DigestError


class AnalyticsError(DigestError):
    """Clicks cannot be recorded, judged or counted as asked."""


class RejudgingError(AnalyticsError):
    """An issue's hits cannot be judged again."""


class ExperimentError(AnalyticsError):
    """An experiment cannot be ended now, or not so."""


class SiteAnalyticsError(AnalyticsError):
    """Site analytics cannot be reached or read; says what to check."""
