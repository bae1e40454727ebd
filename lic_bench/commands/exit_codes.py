"""The exit codes of `lic-bench`, beside those of NotComparable (3) and of an output that nobody reads (CLOSED)."""

OK = 0
FAILED = 1  # some records failed; NEW is worse than BASE; a step of the history is open
BAD_INPUT = 2
BROKEN = 70  # an error of lic-bench itself; EX_SOFTWARE of BSD's sysexits
INTERRUPTED = 130  # 128 + SIGINT
