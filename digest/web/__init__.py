"""The public pages: archive, unsubscribe, health."""
