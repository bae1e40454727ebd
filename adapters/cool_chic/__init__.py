"""Cool-chic: networks overfitted to one picture, as a decoder."""
