"""Arrays of an analysis -> Matplotlib figures."""
