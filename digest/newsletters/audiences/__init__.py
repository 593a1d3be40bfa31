"""What tells the subscribers of a publication apart: attributes and segments."""
