"""`digest series …`: who is where, and switching on and off."""

import pytest

from digest.newsletters.models import Newsletter
from digest.series import planning
from digest.series.models import Series
from tests.cast.series import make_series, sign_up
from tests.cast.subscribers import make_subscriber
from tests.cli.conftest import Digest
from tests.clock import NOON

pytestmark = pytest.mark.django_db


def test_a_series_is_listed_and_shown(digest: Digest, newsletter: Newsletter) -> None:
    """With its steps in numbers."""
    assert "There is no series yet" in digest("series", "list").out
    series = make_series(newsletter, 0, 60)
    sign_up(newsletter)
    planning.plan_due(NOON)
    assert "on" in digest("series", "list", "--newsletter", newsletter.slug).out
    values = digest("series", "show", series.pk, "--json").json
    assert [step["waiting"] for step in values["steps"]] == [0, 1]
    assert "Mail 2" in digest("series", "show", series.pk).out
    assert "digest series list" in digest("series", "show", 10**20).err


def test_it_is_switched_with_the_number_of_mails(digest: Digest, newsletter: Newsletter) -> None:
    """Refused with that number first."""
    series = make_series(newsletter, active=False)
    make_subscriber(newsletter)
    refused = digest("series", "on", series.pk, "--existing")
    assert (refused.status, "1 mail at once" in refused.err) == (1, True)
    assert "is on" in digest("series", "on", series.pk, "--existing", "--mails", 1).out
    assert Series.objects.get().active
    assert "waits" in digest("series", "off", series.pk).out
    assert not Series.objects.get().active
