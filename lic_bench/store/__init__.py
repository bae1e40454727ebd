"""The folder of a run: its configuration and its records."""
