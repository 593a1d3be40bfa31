"""Users, who sign in with an email address; API tokens; and the audit log."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower

from digest.accounts.errors import AccountError
from digest.accounts.topics import NewsroomEvent
from digest.core import addresses
from digest.core.database.uniqueness import refuse_duplicate


class UserManager(BaseUserManager["User"]):
    """Creates users by their email address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user with no rights."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user with every right.

        Raises InvalidAddressError for an address that cannot be mailed, and AccountError if
        somebody has it, in any spelling: `digest createsuperuser` checks neither.
        """
        address = addresses.parse(email).email
        with refuse_duplicate(AccountError(f"There is an account for {address} already.")):
            return self.create_user(address, password, is_staff=True, is_superuser=True, **fields)

    def with_address(self, email: str) -> "models.QuerySet[User]":
        """Return the user with an address; the case of ASCII letters does not matter.

        Letters beyond ASCII have to be the same ones: PostgreSQL takes a dotless i, or the sign of
        kelvin, for an i or a k in other cases, and these are other domains and mailboxes.
        """
        address = Lower(Collate(models.Value(email), "C"))
        return self.alias(address=Lower(Collate("email", "C"))).filter(address=address)


class User(AbstractUser):
    """Somebody who signs in to the console."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)
    # What they do not want to be told of by mail.
    unwanted_events = ArrayField(
        models.CharField(max_length=8, choices=NewsroomEvent), default=list, db_default=[]
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.email


class Token(models.Model):
    """An API token: what a program sends instead of a password (digest.accounts.tokens)."""

    name = models.CharField(max_length=64)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    scopes = ArrayField(models.CharField(max_length=32))
    # The only publication that it reaches; null: every one. Not a foreign key, because
    # publications belong to a floor above.
    publication_id = models.BigIntegerField(null=True)
    # Ids of the only newsletters of it that the token reaches; none: every one.
    newsletter_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    prefix = models.CharField(max_length=16)  # of the secret, so that people recognise the token
    hashed = models.CharField(max_length=64, unique=True)  # SHA-256 of the secret
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)  # to the minute
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(revoked_at__isnull=True), name="token_name_once"
            ),
            models.CheckConstraint(condition=~Q(scopes=[]), name="token_has_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEntry(models.Model):
    """What a user, a token or a command did. A trigger prevents changes to these rows."""

    at = models.DateTimeField()
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor = models.CharField(
        max_length=300
    )  # the user's name at the time; stays when the account is deleted
    action = models.CharField(max_length=500)
    target = models.CharField(max_length=300, blank=True)  # an issue, a subscriber, a person
    url = models.CharField(max_length=300, blank=True)  # path of the page where it was done
    publication_id = models.BigIntegerField(null=True)  # null: it concerns every publication
    ip = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = [models.Index(fields=["publication_id", "id"], name="audit_of_publication")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action}"
