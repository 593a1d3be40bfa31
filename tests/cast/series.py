"""Series: mails that subscribers get in their own time."""

from typing import Any

from digest.accounts.models import User
from digest.core import addresses, rich_text
from digest.newsletters.models import Newsletter
from digest.series import editing, switching, versions
from digest.series.models import Series, Step
from digest.subscribers import consent
from digest.subscribers.models import Subscriber
from tests.cast.newsletters import next_number
from tests.clock import NOON


def make_editor() -> User:
    """Somebody who writes mails."""
    return User.objects.create_user(f"eve{next_number()}@courier.example", "x", is_staff=True)


def make_series(
    newsletter: Newsletter,
    *delays: int,
    trigger: str = "sign_up",
    active: bool = True,
    **fields: Any,
) -> Series:
    """A series that is on, with published steps of these delays in minutes; one at once if none.

    Its mails show no stories of other issues.
    """
    editor = make_editor()
    series = editing.create(newsletter, f"Welcome {next_number()}", trigger, editor, NOON)
    for number, delay in enumerate(delays or (0,)):
        step = series.steps.get() if number == 0 else editing.add_step(series, editor, NOON)
        editing.change_step(step, editor, delay_minutes=delay, stories="")
        write_mail(step, f"Mail {number + 1}")
        versions.publish(step, NOON)
    Series.objects.filter(pk=series.pk).update(**fields)
    series.refresh_from_db()
    if active:
        switching.switch_on(series, NOON)
    return series


def write_mail(step: Step, subject: str) -> None:
    """Give the mail of a step a subject, and a text where it has none."""
    step.draft.own_subject = subject
    step.draft.save()
    if subject != "Mail 1":
        document = rich_text.from_text("This is what our neighbours read.")
        step.draft.blocks.update(content={"document": document})


def steps_of(series: Series) -> list[Step]:
    """The steps in order."""
    rows = series.steps.select_related("version", "draft", "series__newsletter__publication")
    return list(rows.order_by("position"))


def sign_up(newsletter: Newsletter, address: str = "", **options: Any) -> Subscriber:
    """Somebody who confirms their subscription at noon."""
    address = address or f"nadia{next_number()}@reader.example"
    values: dict[str, Any] = {"via": "page", "confirmed": True, "wording": "Yes", "now": NOON}
    subscription = consent.subscribe(addresses.parse(address), newsletter, **values | options)
    return subscription.subscriber
