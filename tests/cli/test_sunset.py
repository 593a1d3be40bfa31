"""`digest sunset …`: the same rules as the console's page."""

import pytest

from digest.bounces.models import Sunset
from digest.core import clock
from digest.newsletters.models import Publication, Tracking
from tests.bounces.inactivity import LONG_AGO, click, make_old
from tests.cast import make_newsletter
from tests.cli.conftest import Digest

pytestmark = pytest.mark.django_db


def test_a_rule_is_printed_changed_and_switched_on(digest: Digest) -> None:
    """It cannot be switched on where nobody could be told apart, nor beyond its limits."""
    newsletter = make_newsletter()
    values = digest("sunset", "show", newsletter.slug, "--json").json
    assert (values["active"], values["inactive"]) == (False, None)
    assert "does not count the clicks" in values["problem"]
    refused = digest("sunset", "set", newsletter.slug, "--on")
    assert refused.status == 1
    assert "does not count the clicks" in refused.err
    assert not Sunset.objects.exists()
    Publication.objects.update(tracking=Tracking.INDIVIDUAL)
    click(make_old(newsletter), clock.now() - LONG_AGO)
    assert digest("sunset", "set", newsletter.slug, "--issues", 1).status == 1
    assert "There are: " in digest("sunset", "show", "nothing").err
    changed = digest("sunset", "set", newsletter.slug, "--issues", 5, "--months", 2, "--on")
    assert "5 issues in 2 months: inactive subscribers are asked" in changed.out
    assert digest("sunset", "show", newsletter.slug, "--json").json["inactive"] == 1
    assert "1 subscriber" in digest("sunset", "show", newsletter.slug).out
    assert "on" in digest("sunset", "list").out
    digest("sunset", "set", newsletter.slug, "--off")
    rule = Sunset.objects.get()
    assert (rule.issues, rule.months, rule.active) == (5, 2, False)
