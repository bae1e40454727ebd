"""Measuring one image, one codec, one machine."""
