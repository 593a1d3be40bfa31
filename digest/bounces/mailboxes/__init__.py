"""Mailboxes that mail returns to, polled by IMAP or POP.

address    where a mailbox is, and how to sign in
oauth      access tokens, where a mailbox takes no password
sessions   what both protocols offer: list, fetch, clear
registry   add, change, check, remove
polling    poll those that are due: fetch, record, then clear
"""
