"""How mailbox providers see us: who hosts which domain, and what they report of our mail."""
