"""Tests of digest.accounts."""
