"""What is tried on a share of the subscribers of an issue: other subjects, or other leads."""
