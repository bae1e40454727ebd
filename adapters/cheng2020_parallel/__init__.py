"""Cheng2020 with the checkerboard context model."""
