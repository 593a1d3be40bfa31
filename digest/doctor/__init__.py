"""Checks of an installation: whether it is fit to send."""
