"""Runs and points in other programs' formats: what they measured comes in, what was measured here goes out."""
