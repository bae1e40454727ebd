"""HPCM."""
