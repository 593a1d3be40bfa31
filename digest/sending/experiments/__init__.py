"""Which variant each subscriber of an issue gets, while something is tested and after it.

split      who takes part, and with which variant: a hash says it. Pure
assigning  begin when an issue is planned, wait while it is paused, let the rest go when decided
"""
