"""A run whose jobs are done by the worker processes of a cluster: one process owns the store, Dask carries the rest."""
