"""Everything of an installation in one encrypted file, and an installation out of such a file."""
