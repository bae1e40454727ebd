"""The history of runs: one line per commit, machine, codec, quality and metric, and the steps in these series."""
