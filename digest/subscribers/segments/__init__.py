"""Segments: subscribers of a publication for whom rules hold, whenever somebody asks.

    fields      what rules may be about in a publication, with operators and values
    rules       a document of rules, read and checked
    conditions  the rules as a condition of the database
    wording     the rules in words; which of them hold for one subscriber
    counting    how many, exactly or "about"; the first of them
    saving      a segment created, changed, deleted
    membership  a segment at one moment, for planning and sending
    clicks      who clicked: `digest.analytics`, above, says how that is looked up

docs/audience.md is the editors' page about them.
"""
