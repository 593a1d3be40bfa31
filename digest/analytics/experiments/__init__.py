"""Experiments: count people who clicked by variant, decide, and let the rest have the best.

comparing  which variant is best, and how certain that is. Pure
deciding   the experiments whose time has come, and those that a person ends
reporting  what an experiment tries, how it does, and how it ended
"""
