"""Values that must be unique."""

import pytest
from django.db import DataError, IntegrityError

from digest.core.database.uniqueness import refuse_duplicate
from digest.newsletters.errors import NewsletterError
from tests.cast import make_newsletter

pytestmark = pytest.mark.django_db


def test_a_value_that_exists_is_refused_and_the_transaction_goes_on() -> None:
    """In the caller's words."""
    newsletter = make_newsletter(slug="tide")
    refusal = NewsletterError("There is one already.")
    with pytest.raises(NewsletterError, match="There is one"), refuse_duplicate(refusal):
        make_newsletter(slug="tide", publication=newsletter.publication)
    newsletter.refresh_from_db()


def test_other_violations_are_not_called_duplicates() -> None:
    """A missing value or one out of range says what it is."""
    refusal = NewsletterError("There is one already.")
    newsletter = make_newsletter()
    with pytest.raises(IntegrityError, match="null value"), refuse_duplicate(refusal):
        type(newsletter).objects.filter(pk=newsletter.pk).update(name=None)
    with pytest.raises(DataError), refuse_duplicate(refusal):
        type(newsletter).objects.filter(pk=newsletter.pk).update(name="x" * 10_000)
