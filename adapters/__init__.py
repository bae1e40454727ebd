"""Codecs beside LALIC, one folder each; codec.py in each holds its SPEC."""
