"""Runs and published data as DataFrames: points and BD-rates, times, memory, operations, growth with image size."""
