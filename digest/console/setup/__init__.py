"""The first run: from nothing to a first test mail, a small page for each step.

steps       which there are, and which is the next one left: what is in the database says so
forms       what is typed
views       the way in, the account, the publication
senders     who it comes from, and the relay, with a live check
contents    sources and the newsletter
trying      the mail as it would go out now, a test, and what to do next
"""
