"""Sets the stage, in a process of its own: `python -m tests.chaos.stage SUBSCRIBERS [strict]`."""

import sys

import django

from tests.chaos.fates import STRICT


def main(subscribers: int, *, strict: bool = False) -> None:
    """Make an issue that is due, for so many subscribers; uncertain, it is sent again.

    `strict`: a fiftieth of them, and a hundred at least, have addresses that refuse us for now.
    """
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story, make_subscribers

    newsletter = make_newsletter(uncertain="resend")
    number = max(subscribers // 50, 100) if strict else 0
    make_subscribers(newsletter, subscribers - number)
    make_subscribers(newsletter, number, domain=STRICT)
    make_story(make_issue(newsletter, slot=LONG_AGO))


if __name__ == "__main__":
    main(int(sys.argv[1]), strict="strict" in sys.argv)
