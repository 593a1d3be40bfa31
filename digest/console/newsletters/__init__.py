"""A newsletter's own page: when it goes out, what is in it, how it reads, who decides."""
