"""Deliverability: what recipient domains accept, refuse and complain about, and our own DNS."""
