"""What cannot be done to a series."""

from digest.core.errors import DigestError
from digest.core.text import counted


class SeriesError(DigestError):
    """A series or a step cannot be changed, published or switched on as requested."""


class ManyMailsError(SeriesError):
    """Switching a series on would send more mails at once than somebody agreed to."""

    def __init__(self, mails: int, agreed: int | None) -> None:
        """`mails` go out at once; somebody `agreed` to so many, or nobody did (None)."""
        agreement = "nobody confirmed any" if agreed is None else f"{agreed:,} were confirmed"
        super().__init__(
            f"Switched on, the series sends {counted(mails, 'mail')} at once; {agreement}. "
            "Confirm that number."
        )
        self.mails = mails
