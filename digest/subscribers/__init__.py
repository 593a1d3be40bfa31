"""Subscribers: subscriptions, consent, suppression, preferences, audience, import and export."""
