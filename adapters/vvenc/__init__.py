"""VVC by VVenC."""
