"""Sets the stage, in a process of its own: `python -m tests.chaos.stage READERS`."""

import sys

import django


def main(readers: int) -> None:
    """Make an edition that is due, for so many readers; in doubt, it is sent again."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from digest.subscribers.models import Subscriber, Subscription
    from tests.cast import LONG_AGO, make_edition, make_newsletter, make_story

    newsletter = make_newsletter(in_doubt="resend")
    addresses = [f"reader{number}@reader.example" for number in range(readers)]
    made = Subscriber.objects.bulk_create(
        (Subscriber(email=each, address_key=each, created_at=LONG_AGO) for each in addresses),
        batch_size=5_000,
    )
    Subscription.objects.bulk_create(
        (
            Subscription(
                subscriber=each,
                newsletter=newsletter,
                state=Subscription.State.ACTIVE,
                created_at=LONG_AGO,
                confirmed_at=LONG_AGO,
            )
            for each in made
        ),
        batch_size=5_000,
    )
    make_story(make_edition(newsletter, slot=LONG_AGO))


if __name__ == "__main__":
    main(int(sys.argv[1]))
