"""Recipient domains, DMARC reports, and what providers' services say of our mail."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from digest.relays.models import Relay


class MailDomain(models.Model):
    """A recipient domain, and where DNS says that its mail goes (MX)."""

    domain = models.CharField(max_length=253, unique=True)  # in A-labels
    exchanger = models.CharField(max_length=253, blank=True)  # the most preferred; "": none
    provider = models.CharField(max_length=32, blank=True)  # its key; "": none that we know
    checked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.domain}: {self.exchanger}"


class DmarcReport(models.Model):
    """What a receiver reported of the mail that named one of our domains, within some hours."""

    organization = models.CharField(max_length=255)  # as it calls itself; anybody may
    report_id = models.CharField(max_length=255)
    domain = models.CharField(max_length=255)  # whose policy was applied, in A-labels
    policy = models.CharField(max_length=16, blank=True)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    left_out = models.PositiveBigIntegerField(default=0)  # mails of rows that were too many
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "organization", "report_id"], name="dmarc_report_once"
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "end"], name="dmarc_report_by_time"),
            models.Index(fields=["received_at"], name="dmarc_report_received"),
        ]

    def __str__(self) -> str:
        return f"{self.organization} about {self.domain}: {self.report_id}"


class DmarcRow(models.Model):
    """Mails of a report that came from one address and were treated alike."""

    report = models.ForeignKey(DmarcReport, on_delete=models.CASCADE, related_name="rows")
    ip = models.GenericIPAddressField()
    mails = models.PositiveBigIntegerField()
    disposition = models.CharField(max_length=16, blank=True)
    dkim = models.BooleanField()  # passed, and aligned with the From header
    spf = models.BooleanField()
    header_from = models.CharField(max_length=255, blank=True)
    dkim_domain = models.CharField(max_length=255, blank=True)
    spf_domain = models.CharField(max_length=255, blank=True)
    override = models.CharField(max_length=32, blank=True)  # of the policy, by the receiver

    class Meta:
        indexes = [models.Index(fields=["ip"], name="dmarc_row_by_address")]

    def __str__(self) -> str:
        return f"{self.ip}: {self.mails}"


class SendingHost(models.Model):
    """An address that sends in our name, its name in DNS, and whether it is a relay of ours."""

    ip = models.GenericIPAddressField(unique=True)
    name = models.CharField(max_length=253, blank=True)  # PTR; "": none
    is_ours = models.BooleanField(default=False)
    checked_at = models.DateTimeField(null=True, db_index=True)  # null: not yet

    def __str__(self) -> str:
        return f"{self.ip}: {self.name}"


class ServiceConnection(models.Model):
    """The key of a provider's service (digest.reputation.services), and how asking it goes."""

    kind = models.CharField(max_length=16, unique=True)
    address = models.CharField(max_length=2000)
    sealed_secret = models.TextField()
    due_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    problem = models.TextField(blank=True)
    unmet = ArrayField(models.TextField(), default=list, blank=True)  # requirements, for people

    def __str__(self) -> str:
        return self.kind


class ServiceReading(models.Model):
    """What a service says of a domain or an address on one day; shares are from 0 to 1."""

    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=255)
    day = models.DateField()
    mails = models.PositiveBigIntegerField(null=True)
    spam_share = models.FloatField(null=True)
    dkim_share = models.FloatField(null=True)
    dmarc_share = models.FloatField(null=True)
    error_share = models.FloatField(null=True)
    color = models.CharField(max_length=8, blank=True)
    trap_hits = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject", "day"], name="service_reading_once"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}, {self.day}"


class RelayDay(models.Model):
    """How many messages a relay in its warm-up has sent on one day (UTC)."""

    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    messages = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["relay", "day"], name="relay_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.relay}, {self.day}: {self.messages}"
