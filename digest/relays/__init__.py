"""Where mail is handed over: registry, routing, rate limits, health, transports, DKIM."""
