"""GLIC."""
