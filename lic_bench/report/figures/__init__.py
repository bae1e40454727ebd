"""DataFrames -> Matplotlib figures, and how a codec looks in all of them."""
