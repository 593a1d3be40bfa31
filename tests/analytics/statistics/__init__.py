"""Tests of the statistics for people."""
