"""Other programs: API tokens, webhooks and connections. A secret of theirs is shown once."""
