"""Mail that comes in: wishes to subscribe and to leave, and questions."""
