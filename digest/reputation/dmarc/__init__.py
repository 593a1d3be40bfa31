"""DMARC aggregate reports (RFC 7489 §7.2, RFC 9990): who sends in our name.

    receiving   a mail or a file > a child process: message, unpacking, parsing > storing
    hosts       the names of the addresses that send, looked up in DNS
    domains     which domains of reports concern a sender's
    sources     a table of who sends: ourselves, allowed, forwarding or failing, with advice

Reports are not signed by anybody we know, so nothing follows from one but what a page shows.
"""
