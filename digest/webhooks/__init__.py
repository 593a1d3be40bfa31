"""Webhooks: signed events for other programs, about subscribers and issues."""
