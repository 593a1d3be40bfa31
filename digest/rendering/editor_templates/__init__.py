"""Templates that editors write: rendered in a sandbox, and shown as they would read."""
