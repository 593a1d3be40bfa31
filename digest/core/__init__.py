"""What every floor may use: environment, clock, links, jobs, fetching, addresses, errors."""
