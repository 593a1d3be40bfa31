"""Delivery of single messages to mail servers and providers, within their limits."""
