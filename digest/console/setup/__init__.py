"""The first run: from nothing to a first test mail, a small page for each step.

steps       the steps, and which one is next, by the data
forms       the forms
views       start, account, publication
senders     sender and mail server, with a live check
contents    sources and newsletter
trying      preview, test mail and next steps
"""
