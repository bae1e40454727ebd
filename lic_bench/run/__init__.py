"""One run: options, checks, jobs, records."""
