"""Sets the stage, in a process of its own: `python -m tests.chaos.stage SUBSCRIBERS`."""

import sys

import django


def main(subscribers: int) -> None:
    """Make an issue that is due, for so many subscribers; uncertain, it is sent again."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from digest.subscribers.models import Subscriber, Subscription
    from tests.cast import LONG_AGO, make_issue, make_newsletter, make_story

    newsletter = make_newsletter(uncertain="resend")
    addresses = [f"subscriber{number}@reader.example" for number in range(subscribers)]
    rows = Subscriber.objects.bulk_create(
        (
            Subscriber(email=address, address_key=address, created_at=LONG_AGO)
            for address in addresses
        ),
        batch_size=5_000,
    )
    Subscription.objects.bulk_create(
        (
            Subscription(
                subscriber=subscriber,
                newsletter=newsletter,
                state=Subscription.State.ACTIVE,
                created_at=LONG_AGO,
                confirmed_at=LONG_AGO,
            )
            for subscriber in rows
        ),
        batch_size=5_000,
    )
    make_story(make_issue(newsletter, slot=LONG_AGO))


if __name__ == "__main__":
    main(int(sys.argv[1]))
