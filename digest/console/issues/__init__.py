"""The issue editor: see an issue as subscribers will, change it, approve it, send it, stop it.

new        create an issue
views      the page, and the parts of it that htmx polls
sections   what each part of the page shows
actions    one small function for each button
previews   the mail as it would arrive
"""
