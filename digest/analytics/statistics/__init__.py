"""Statistics for people: reports on issues, newsletters and sponsors, read from totals only."""
