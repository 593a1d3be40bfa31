"""How good a mail is, measured: accessibility, clients' support, validity, and what filters say."""
