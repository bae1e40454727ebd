"""Two runs side by side: what changed, how surely, and whether that is a regression. Needs no torch."""
