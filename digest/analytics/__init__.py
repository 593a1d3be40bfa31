"""Clicks and opens of issues: recorded, judged human or not, counted; and what follows."""
