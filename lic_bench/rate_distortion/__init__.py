"""Curves of rate and distortion: BD-rate, published points, fits. Pure numbers, no torch."""
