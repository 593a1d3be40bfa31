"""The team: sign-in, invitations, roles and the audit log."""
