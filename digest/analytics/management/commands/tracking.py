"""`digest tracking PUBLICATION`: which clicks and opens a publication counts."""

from typing import Any

from django.core.management.base import CommandParser

from digest.core.terminal import DigestCommand, add_flag
from digest.newsletters import setup
from digest.newsletters.models import Tracking


class Command(DigestCommand):
    """Show or change what is counted."""

    audited = True
    help = "Show which clicks and opens a publication counts, or change it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a publication and what to count."""
        super().add_arguments(parser)
        parser.add_argument("publication", metavar="PUBLICATION")
        parser.add_argument("--clicks", choices=Tracking.values, help="what is counted of clicks")
        opens = parser.add_mutually_exclusive_group()
        add_flag(opens, "--opens", "count opens too", default=None)
        opens.add_argument("--no-opens", action="store_false", dest="opens", help="stop it")

    def run(self, options: dict[str, Any]) -> None:
        """Change what was asked for, then show."""
        publication = setup.find_publication(options["publication"])
        changes = {"tracking": options["clicks"], "track_opens": options["opens"]}
        changes = {name: value for name, value in changes.items() if value is not None}
        if changes:
            setup.change_publication(publication, **changes)
        clicks = Tracking(publication.tracking).label.lower()
        opens = "counted" if publication.track_opens and clicks != "nothing" else "not counted"
        self.answer(
            {
                "publication": publication.slug,
                "clicks": publication.tracking,
                "opens": publication.track_opens,
            },
            f"{publication.name} counts: {clicks}. Opens are {opens}.",
        )
