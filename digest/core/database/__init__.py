"""The database itself: its schema, what it refuses, its locks, and rows under lease."""
