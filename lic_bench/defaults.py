"""Defaults that several parts share; the help of the options shows them."""

TIMEOUT_S = 1800.0  # of one codec for one image or turn
PROGRAM_TIMEOUT_S = 3600.0  # of one that is another program: VTM takes minutes for a large image at a low QP
REPEATS = 5  # samples of each time at least
BUDGET_S = 2.0  # of samples of each time, after which there are no more
ANCHOR = "vtm-9.1"  # of BD-rates, as in the LALIC paper
