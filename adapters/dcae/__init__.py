"""DCAE."""
