"""The results of issues by recipient domain: counted while they are sent, and read as tables."""
