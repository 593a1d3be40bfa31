"""Recipient domains with the provider that hosts their mailboxes."""

from django.db import models


class MailDomain(models.Model):
    """A recipient domain, and where DNS says that its mail goes (MX)."""

    domain = models.CharField(max_length=253, unique=True)  # in A-labels
    exchanger = models.CharField(max_length=253, blank=True)  # the most preferred; "": none
    provider = models.CharField(max_length=32, blank=True)  # its key; "": none that we know
    checked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.domain}: {self.exchanger}"
