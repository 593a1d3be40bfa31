"""Statistics: how issues, newsletters, appeals and sponsors did."""
