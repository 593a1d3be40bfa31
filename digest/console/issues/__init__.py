"""The issue desk: see an issue as subscribers will, change it, approve it, send it, stop it.

views      the page, and what moves on it
acts       one small function for each button
previews   the mail as it would arrive
"""
