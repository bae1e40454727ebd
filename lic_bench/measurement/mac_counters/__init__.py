"""The counters of multiply-accumulates: what each sees of a network, and what it has no rule for."""
