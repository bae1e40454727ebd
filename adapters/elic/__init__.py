"""ELIC."""
