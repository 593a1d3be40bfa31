"""The `digest` command: parses, makes one call into the house, shapes the answer."""
