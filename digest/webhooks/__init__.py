"""Webhooks: addresses that are told, signed, what happened to subscribers and issues.

Triggers lay a `WebhookDelivery` down for each webhook that wants an event (its migration);
`telling` sends them.
"""
