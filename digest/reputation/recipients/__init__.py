"""Which mailbox provider a recipient domain belongs to: by its name, else by its MX records."""
