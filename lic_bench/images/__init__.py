"""Data sets, one image, and the sample pictures."""
