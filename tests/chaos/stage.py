"""Sets the stage, in a process of its own: `python -m tests.chaos.stage SUBSCRIBERS`."""

import sys

import django


def main(subscribers: int) -> None:
    """Make an issue that is due, for so many subscribers; uncertain, it is sent again."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story, make_subscribers

    newsletter = make_newsletter(uncertain="resend")
    make_subscribers(newsletter, subscribers)
    make_story(make_issue(newsletter, slot=LONG_AGO))


if __name__ == "__main__":
    main(int(sys.argv[1]))
