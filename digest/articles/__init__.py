"""Sources and articles: polling, fetching, parsing, cleaning, storing."""
