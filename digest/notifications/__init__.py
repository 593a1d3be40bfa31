"""What the newsroom is told of: issues that wait or did not go out, paused domains, sources.

occurrences  what happened lately, from the rows that say so
queueing     each occurrence once: a mail to each member who wants it, an event for webhooks
"""
