"""The mail servers: their health, limits and settings, as `digest relay` has them."""
