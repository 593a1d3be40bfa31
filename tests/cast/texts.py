"""Texts that strangers might write."""

SCRIPT = "<script>alert(1)</script>"  # runs where a page does not escape it
