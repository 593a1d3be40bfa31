"""The public pages: sign-up, confirmation, preferences, unsubscribe, archive, health."""
