"""The database itself: its schema, and what it refuses."""
