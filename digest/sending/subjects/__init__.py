"""Which subject each subscriber of an issue gets, while subjects are tested and after it.

split      who takes part, and with which subject: a hash says it. Pure
assigning  begin a test when an issue is planned; let the rest go when it is decided
"""
