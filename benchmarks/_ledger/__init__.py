"""Designs of a ledger, which benchmarks/ledger_designs.py compares."""
