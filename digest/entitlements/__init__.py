"""Entitlements: what people pay for elsewhere, as Stripe reports it, and the tier that it gives."""
