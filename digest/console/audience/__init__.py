"""Audience: attributes of subscribers, segments, and what a publication knows of a subscriber."""
