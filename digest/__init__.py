"""Digest turns a publisher's articles into email digests and gets them to everyone who asked.

The floors of the house, and what lives on each, are drawn in docs/architecture.md.
"""

__version__ = "0.1.0"
