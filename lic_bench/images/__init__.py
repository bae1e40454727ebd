"""Data sets, one image, the sample pictures."""
