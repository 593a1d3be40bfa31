"""A publication's own page: what subscribers know it by, in cards that are kept one by one."""
