"""Tests of digest.mcp."""
