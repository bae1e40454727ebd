"""Finding, loading and driving codecs."""
