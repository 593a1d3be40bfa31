"""Which rows belong to which publications."""
