"""This installation as a whole: whether its data are up to date, and whether it may send mail."""
