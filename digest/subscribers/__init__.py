"""Subscribers and what they asked for: subscriptions, consent, suppression, importing."""
