"""HEVC."""
