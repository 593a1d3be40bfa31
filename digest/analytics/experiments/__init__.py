"""Subject tests: count people who clicked by subject, decide, and let the rest have the best.

comparing  which subject is best, and how certain that is. Pure
deciding   the tests whose time has come
"""
