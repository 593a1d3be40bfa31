"""Where mail is handed over, and how that is doing: what `digest relay` does, on pages."""
