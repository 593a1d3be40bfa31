"""Tests of digest.subscribers.segments."""
