"""Everything on one machine: PostgreSQL, Valkey, a local mailbox, a sample publication."""
