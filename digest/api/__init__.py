"""For programs: a REST API described by OpenAPI, and webhooks that tell of what happened."""
