"""A log kept apart from the database: who left, who was suppressed, which issues went out.

    recording    a job copies what is new in the database into the log, every few seconds
    log          the files: one line an event, a file a day, never changed, deleted after a while
    applying     after a restore: what these lines say about the time that the data lack

No line has an address: an HMAC of it under the secret key stands there, with the ids.
"""
