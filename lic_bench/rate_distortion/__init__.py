"""Curves of rate and distortion: BD-rate, equal rates, published points, fits. Pure numbers, no torch."""
