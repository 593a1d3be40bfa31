"""An issue to everyone: planning, the ledger, sending, sweeping, progress, archive."""
