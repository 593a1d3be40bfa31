"""Memberships: Stripe connected to a publication, and what its prices stand for."""
