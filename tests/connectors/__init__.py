"""Tests of digest.connectors."""
