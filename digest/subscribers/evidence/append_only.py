"""Rows that are only added; they are deleted only with their subscriber or newsletter."""

from typing import Any, NoReturn

from django.db import models

from digest.subscribers.errors import SubscriberError


class AppendOnly(models.QuerySet[Any]):
    """Rows that are not changed; a trigger in the database refuses too."""

    def update(self, **_fields: Any) -> NoReturn:
        """Refuse."""
        raise SubscriberError("Consent events cannot be changed.")

    def delete(self) -> NoReturn:
        """Refuse; erasing a subscriber deletes their events by cascade."""
        raise SubscriberError("Consent events cannot be deleted on their own.")


class AppendOnlyModel(models.Model):
    """A row that is not changed."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; an update is refused."""
        if not self._state.adding:
            raise SubscriberError("Consent events cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse; erasing a subscriber deletes their events by cascade."""
        raise SubscriberError("Consent events cannot be deleted on their own.")
