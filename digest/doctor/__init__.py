"""`digest doctor`: what has to be right before mail is sent, one module for each theme."""
