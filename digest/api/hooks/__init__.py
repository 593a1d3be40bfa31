"""Webhooks: addresses that are told, signed, what happened to readers and editions.

Triggers lay a `Word` down for each hook that wants an event (migration 0002); `telling` sends them.
"""
