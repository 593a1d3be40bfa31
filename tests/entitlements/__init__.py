"""Tests of digest.entitlements."""
