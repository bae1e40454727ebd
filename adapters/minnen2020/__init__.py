"""Minnen2020."""
