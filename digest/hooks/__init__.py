"""Webhooks: addresses that are told, signed, what happened to readers and editions.

Triggers lay a `Word` down for each hook that wants an event (its migration); `telling` sends them.
"""
