"""Sign-up forms that a publication shows on its own site."""
