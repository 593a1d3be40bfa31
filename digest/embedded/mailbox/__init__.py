"""A mailbox on this machine for all that Digest sends: SMTP in, a Maildir, pages to read it.

`python -m digest.embedded.mailbox` is the process that receives.
"""
