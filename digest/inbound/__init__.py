"""Mail that comes in: wishes to subscribe and to leave, questions, and what comes back."""
