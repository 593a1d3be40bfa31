"""The public pages. Each view parses its request, makes one call below, and shapes the response."""
