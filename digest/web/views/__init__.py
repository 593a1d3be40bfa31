"""Public pages. Each view parses its request, makes one call into the house, shapes the answer."""
