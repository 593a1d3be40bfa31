"""Responses that are stored under an idempotency key."""

from django.db import models

from digest.accounts.models import Token


class IdempotentResponse(models.Model):
    """The first response to a request with an Idempotency-Key, for its repeats."""

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64)  # SHA-256 of method, path, query and body
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="idempotent_response_once")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
