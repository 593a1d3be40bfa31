"""Appeals and sponsors: the list, the page of one, and how it looks in a mail."""
