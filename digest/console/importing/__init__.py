"""Import subscribers: upload a list, check how it is read and what will happen, import it."""
