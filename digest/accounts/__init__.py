"""People and programs that log in, and the audit log."""
