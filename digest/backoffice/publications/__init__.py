"""A publication's own page: what readers know it by, in cards that are kept one by one."""
