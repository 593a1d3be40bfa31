"""One module for each queue."""
