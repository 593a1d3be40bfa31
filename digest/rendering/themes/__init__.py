"""The look of mails: colours, tokens, and the theme of a publication."""
