"""The page of a publication: its name, design, sender, language and time zone."""
