"""Drops: mail of a newsletter to one destination does far worse than its own average."""
